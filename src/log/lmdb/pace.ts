import { setImmediate as nextTurn } from 'node:timers/promises'

/** How far long work has come: so many of so many. */
export type Progress = (done: number, of: number) => void

const intervalMs = 50

/** Called in the course of long work, every few hundred steps; lets others have their turn, and tells how far it is, twenty times a second. */
export function createPace(onProgress: Progress = () => undefined): (done: number, of: number) => Promise<void> {
  let last = performance.now()
  return async (done, of) => {
    if (performance.now() - last < intervalMs) return
    onProgress(done, of)
    await nextTurn()
    last = performance.now()
  }
}
