import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'
import type { Log } from '../../logger.js'
import type { Service } from '../service.js'
import { type Order, type Terms, type Word, workerWord } from './messages.js'
import { type PoolOptions, WorkerPool, type WorkerProcess } from './pool.js'

/** What a worker may take to end, beyond what its readers have to take what they have coming. */
const endMs = 500

/**
 * Starts workers that serve readers on one port, on the log that this process has. It holds no connection itself; it replaces a worker
 * that dies. Rejects if one cannot listen, after ending the others.
 */
export async function startWorkers(count: number, terms: Terms, { logger }: Log): Promise<Service> {
  // Each takes connections from the one listener by itself. Handed round instead (Node.js's default), a connection is lost for ever,
  // open and unanswered, if its worker dies before it has taken it [Node 20.20]. Shares were within a fifth of each other [6,000
  // connections, 500 at once, three workers].
  cluster.schedulingPolicy = cluster.SCHED_NONE
  cluster.setupPrimary({
    exec: fileURLToPath(new URL('../../main.js', import.meta.url)),
    args: ['serve', workerWord],
    serialization: 'advanced',
  })
  // Loaded when it is needed, for it takes its time.
  const { createDepartedFigures } = await import('../metrics.js')
  let held = terms
  const pool = new WorkerPool({
    count,
    start: startProcess,
    // Port 0 is the same one for all: `node:cluster` knows it by what was asked for.
    begin: index => ({ kind: 'begin', index, ...held }),
    lost: fields => logger.error(fields, `Worker ${fields.worker} ended (${fields.how}); another takes its place.`),
    // What workers answer is what `worker.ts` makes of it.
    departed: createDepartedFigures() as PoolOptions['departed'],
    replaced: fields => logger.info(fields, `Worker ${fields.worker} listens again.`),
  })
  const stopNow = (): void => pool.kill()
  process.once('exit', stopNow)
  try {
    const listening = await pool.start()
    return {
      listening,
      stopNow,
      subscriptions: () => pool.subscriptions,
      drain: deadlineMs => pool.drain(deadlineMs + endMs),
      reconfigure(settings, certificate) {
        held = { settings, certificate }
        pool.tell({ kind: 'reconfigure', ...held })
      },
      // A worker feeds the demo.
      feed: () => () => undefined,
      close: async () => pool.kill(),
    }
  } catch (error) {
    pool.kill()
    throw error
  }
}

function startProcess(): WorkerProcess {
  const worker = cluster.fork()
  const { pid = 0 } = worker.process
  const ended = new Promise<string>(resolve => {
    // Not 'exit', which may come before its last words.
    worker.process.once('close', (code, signal) => resolve(signal ? `by ${signal}` : `with exit code ${code}`))
    worker.on('error', error => {
      // A system that gives no more processes starts none, which then does not end. Of what cannot be told to one that has just
      // ended, its end says all.
      if (pid === 0) resolve(`it could not be started: ${error.message}`)
    })
  })
  return {
    pid,
    send: (order: Order) => {
      if (worker.isConnected()) worker.send(order, undefined, undefined, () => undefined)
    },
    onWord: call => void worker.on('message', (word: Word) => call(word)),
    onEnd: call => void ended.then(call),
    kill: () => void worker.process.kill('SIGKILL'),
  }
}
