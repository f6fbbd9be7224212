/** Signals that ask a program to end: a terminal's Ctrl+C, and what supervisors send. */
const usualSignals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM']

/** Under npm, one Ctrl+C arrives twice: from the terminal, and passed on by npm. What follows so soon is the same one. */
const sameSignalMs = 500

/**
 * Calls `stop` at the first signal that asks the process to end, and `stopNow` at the second one. `more`: signals beside the usual
 * ones that ask for it.
 * The function that it returns stops listening.
 */
export function onStopSignals(
  stop: (signal: NodeJS.Signals) => void,
  stopNow: (signal: NodeJS.Signals) => void,
  more: readonly NodeJS.Signals[] = [],
): () => void {
  const stopSignals = [...usualSignals, ...more]
  let first: number | undefined
  const heard = (signal: NodeJS.Signals): void => {
    if (first === undefined) {
      first = performance.now()
      stop(signal)
    } else if (performance.now() - first >= sameSignalMs) {
      stopNow(signal)
    }
  }
  for (const signal of stopSignals) process.on(signal, heard)
  return () => {
    for (const signal of stopSignals) process.off(signal, heard)
  }
}
