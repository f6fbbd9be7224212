import { setImmediate as nextTurn } from 'node:timers/promises'
import { causeOf } from './fault.js'
import { decodeHead, metaKeys, type Store } from './layout.js'

/** Runs `job` in a write transaction that takes all that it puts, or nothing. */
export type Transact = <T>(job: () => T) => Promise<T>

/** Resolves when what the job has put is flushed, and visible. */
export function transactFlushed(store: Store): Transact {
  // A child transaction, because only of those an exception undoes what was put before it.
  return job => store.root.childTransaction(job)
}

/** How many commits may wait for their flush: each holds a thread of the four that Node.js has for files. */
const maxUnflushed = 2

/**
 * Resolves when what the job has put is visible, which is before it is flushed. A flush that fails then is told to who comes next.
 *
 * With `overlappingSync` LMDB makes a commit visible before it flushes it, but lmdb-js resolves after (3.5.6: `Write` in
 * src/writer.cpp marks the instructions as committed when `mdb_txn_commit` returns). So the head is looked at, every turn of the
 * event loop until it has moved: some 10 µs a turn, for the time that the writing thread takes.
 */
export function transactVisible(store: Store): Transact {
  const unflushed = new Set<Promise<void>>()
  let fault: { readonly cause: unknown } | undefined

  function headOffset(): number {
    const value = store.meta.get(metaKeys.head)
    return value ? decodeHead(value).offset : 0
  }

  function visibleOffset(): number {
    store.root.resetReadTxn()
    return headOffset()
  }

  return async function transact<T>(job: () => T): Promise<T> {
    while (unflushed.size >= maxUnflushed) await Promise.race(unflushed)
    if (fault) {
      const { cause } = fault
      fault = undefined
      throw cause
    }
    const before = visibleOffset()
    const state: { made?: { readonly result: T; readonly offset: number }; step: 'under-way' | 'visible' | 'over' } = {
      step: 'under-way',
    }
    const whole = store.root.childTransaction(() => {
      const result = job()
      state.made = { result, offset: headOffset() }
      return result
    })
    const over = settle()
    unflushed.add(over)
    async function settle(): Promise<void> {
      try {
        await whole
      } catch (error) {
        if (state.step === 'visible') fault = { cause: await causeOf(error) }
      }
      state.step = 'over'
      unflushed.delete(over)
    }
    while (state.step === 'under-way') {
      const { made } = state
      if (made && made.offset > before && visibleOffset() >= made.offset) {
        state.step = 'visible'
        return made.result
      }
      await nextTurn()
    }
    return await whole
  }
}
