import { setImmediate as nextTurn } from 'node:timers/promises'
import { TidingsError } from '../../wire/errors.js'
import { decodeHead, metaKeys, type Store } from './layout.js'

/**
 * Runs `job` in a write transaction that takes all that it puts, or nothing. Rejects with what `job` threw, or with the fault.
 *
 * One transaction is under way at a time; the jobs that come meanwhile share the next, in which each stands or falls by itself.
 * A job does all that it does at once, and returns no promise.
 */
export type Transact = <T>(job: () => T) => Promise<T>

export interface TransactOptions {
  /**
   * Resolves when what the job has put is visible, not when it is flushed, which is later. A flush that fails then is told to
   * who comes next. For a store that is open with `overlapping`.
   */
  readonly whenVisible: boolean
  /** A job that is not done by then rejects with `log-unavailable`: lmdb-js does not say when LMDB takes nothing more. Default: 30,000. */
  readonly timeoutMs?: number
}

interface Waiting {
  /** In the transaction. Keeps its result, or what it threw. */
  run(): void
  /** When the transaction is over. */
  settle(): void
  fail(cause: unknown): void
}

/** The offset of the head by which a commit is known to be visible: other processes move it too. */
interface Sight {
  expected: number
}

export function createTransact(store: Store, { whenVisible, timeoutMs = 30_000 }: TransactOptions): Transact {
  const { root } = store
  let waiting: Waiting[] = []
  let isRunning = false
  let fault: { readonly cause: unknown } | undefined

  function transact<T>(job: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      let settle: () => void = () => reject(new Error('The transaction did not come to this job.'))
      const timer = setTimeout(() => {
        // Not begun, it never is; begun, nobody knows.
        waiting = waiting.filter(each => each !== own)
        const message = `The log did not take what was to be written within ${timeoutMs} ms; whether it still does is not known.`
        reject(new TidingsError('log-unavailable', message))
      }, timeoutMs).unref()
      const own: Waiting = {
        run() {
          try {
            // A child transaction, because only of those an exception undoes what was put before it.
            const result = root.childTransaction(job)
            settle = () => resolve(result)
          } catch (error) {
            settle = () => reject(error)
          }
        },
        settle() {
          clearTimeout(timer)
          settle()
        },
        fail(cause) {
          clearTimeout(timer)
          reject(cause)
        },
      }
      waiting.push(own)
      if (!isRunning) void run()
    })
  }

  /** A transaction is begun only when the one before is flushed: lmdb-js (3.5.6) has lost answers of those that overlap. */
  async function run(): Promise<void> {
    isRunning = true
    while (waiting.length > 0) await commit()
    isRunning = false
  }

  async function commit(): Promise<void> {
    const batch: Waiting[] = []
    if (fault) {
      batch.push(...take())
      for (const each of batch) each.fail(fault.cause)
      fault = undefined
      return
    }
    const sight: Sight = { expected: Infinity }
    const flushed = attempt(batch, sight)
    const isAnswered = whenVisible && (await untilVisible(flushed, sight))
    if (isAnswered) for (const each of batch) each.settle()
    try {
      await flushed
      if (!isAnswered) for (const each of batch) each.settle()
    } catch (cause) {
      if (isAnswered) fault = { cause }
      else for (const each of batch) each.fail(cause)
    }
  }

  function take(): Waiting[] {
    const taken = waiting
    waiting = []
    return taken
  }

  async function attempt(batch: Waiting[], sight: Sight): Promise<void> {
    try {
      await root.transaction(() => {
        // lmdb-js has a promise of its own for each batch, which rejects with it; unheard, it would end the process.
        root.committed.then(ignore, ignore)
        batch.push(...take())
        const before = headOffset()
        for (const each of batch) each.run()
        const after = headOffset()
        if (after > before) sight.expected = after
      })
    } catch (error) {
      throw await causeOf(error)
    }
  }

  function visibleOffset(): number {
    root.resetReadTxn()
    return headOffset()
  }

  function headOffset(): number {
    const value = store.meta.get(metaKeys.head)
    return value ? decodeHead(value).offset : 0
  }

  /**
   * Whether the head has come to where the commit puts it, before the flush is over. One that does not move it is waited for.
   *
   * With `overlappingSync` LMDB makes a commit visible before it flushes it, but lmdb-js resolves after (3.5.6: `Write` in
   * src/writer.cpp marks the instructions as committed when `mdb_txn_commit` returns). So the head is looked at, every turn of the
   * event loop until it has moved: some 10 µs a turn, for the time that the writing thread takes.
   */
  async function untilVisible(flushed: Promise<void>, sight: Sight): Promise<boolean> {
    let isOver = false
    const over = () => {
      isOver = true
    }
    flushed.then(over, over)
    for (;;) {
      await nextTurn()
      if (isOver) return false
      if (visibleOffset() >= sight.expected) return true
    }
  }

  return transact
}

function ignore(): void {}

/**
 * lmdb-js rejects a failed commit with an error whose `commitError` is a promise that rejects with the cause, with the number
 * that the operating system or LMDB gave as its `code`. It has to be awaited at once: unheard, it would end the process too.
 */
async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error
  try {
    await error.commitError
  } catch (cause) {
    return cause
  }
  return error
}
