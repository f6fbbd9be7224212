import { connectionsWithinDescriptors } from '../../http/descriptor-limit.js'
import { TidingsError } from '../../wire/errors.js'
import type { Command } from '../command.js'
import { exitCodes } from '../exit-codes.js'
import { describeFlags } from '../flags.js'
import { CommandEnd } from '../hub-client/command-end.js'
import { hubUrlOf, showUrl } from '../hub-client/hub-url.js'
import { createStopping } from '../hub-client/stopping.js'
import { report } from '../report.js'
import { createProgressLine } from '../terminal.js'
import { type BenchOptions, benchFlags, readBenchOptions } from './options.js'
import { findHub } from './place.js'
import { count, keptPromises } from './result.js'
import { type Progress, runBench } from './run-bench.js'
import { showPlan, showResult } from './show.js'

/** How long it may take to end once it is asked to. */
const stopMs = 8_000

const help = `Usage: tidings bench [options]

Measures a running hub from outside: listens with many clients, publishes to them, and checks what each of them hears.

${describeFlags(benchFlags)}
Examples:
  tidings bench
  tidings bench --clients 1000 --rate 100 --duration 30s
  tidings bench --clients 10 --rate 0 --topics 10
  tidings bench --transport long-poll --json

Its topics are bench/ and a random name; their events stay in the log until retention removes them. Latency is from when an event was
due until a client has it, by one clock. Events are published as \`tidings publish\` does it, what is due while a request is
under way in the next one, and sent again after a cut. Clients come back with their cursor, as browsers do.

On Ctrl+C and SIGTERM it publishes no more, and shows what it has found. A second time ends it at once.
Exit codes: ${exitCodes.done} all heard what was promised, ${exitCodes.failure} they did not, or it failed, ${exitCodes.usage} called wrongly, ${exitCodes.refused} the hub refused the events, ${exitCodes.unreachable} it could not be reached.
`

/** `tidings bench`. */
export const benchCommand: Command = {
  help: () => help,
  async run(args) {
    const options = readBenchOptions(args)
    if (options !== 'help') return bench(options)
    process.stdout.write(help)
    return exitCodes.done
  },
}

async function bench(options: BenchOptions): Promise<number> {
  checkDescriptors(options.clients)
  const url = hubUrlOf(options.url)
  const stopping = createStopping(stopMs)
  const line = createProgressLine()
  try {
    const place = await findHub(url, options.yesLoadIt, stopping.asked)
    const plan = { ...options, url: showUrl(url), sizeBytes: options.size }
    if (!options.json) process.stdout.write(`${showPlan(plan)}\n\n`)
    const result = await runBench({
      place,
      options,
      prefix: `bench/${crypto.randomUUID().slice(0, 8)}`,
      stop: stopping.asked,
      giveUp: stopping.expired,
      onProgress: progress => line.say(showProgress(progress, options.clients)),
    })
    line.clear()
    process.stdout.write(options.json ? `${JSON.stringify(result, undefined, 2)}\n` : showResult(result))
    return keptPromises(result) ? exitCodes.done : exitCodes.failure
  } catch (error) {
    line.clear()
    if (error instanceof CommandEnd) {
      report(error.message)
      return error.exitCode
    }
    if (error instanceof Error && error.name === 'AbortError') {
      report('Ended before it had anything to show.')
      return exitCodes.failure
    }
    throw error
  } finally {
    stopping.dispose()
  }
}

/** Throws `invalid-setting` if this process cannot hold so many connections. */
function checkDescriptors(clients: number): void {
  const most = connectionsWithinDescriptors()
  if (clients <= most) return
  throw new TidingsError(
    'invalid-setting',
    `--clients: ${count(clients)} connections are more than this process may open, which is ${count(most)}. ` +
      'Let it open more files (ulimit -n), and the hub too, or take fewer clients.',
  )
}

function showProgress(progress: Progress, clients: number): string {
  switch (progress.stage) {
    case 'connecting':
      return `${count(progress.ready)} of ${count(clients)} clients listen`
    case 'publishing':
      return `${Math.ceil(progress.leftMs / 1000)} s left · ${count(progress.published)} published · ${count(progress.heard)} heard`
    case 'settling':
      return `Waiting for the last ones · ${count(progress.heard)} heard`
  }
}
