/** Signals that ask the hub to end: a terminal's Ctrl+C, and what supervisors send. */
const stopSignals = ['SIGINT', 'SIGTERM'] as const

/** Under npm, one Ctrl+C arrives twice: from the terminal, and passed on by npm. What follows so soon is the same one. */
const sameSignalMs = 500

/**
 * Calls `stop` at the first signal that asks the process to end, and `stopNow` at the second one.
 * The function that it returns stops listening.
 */
export function onStopSignals(
  stop: (signal: NodeJS.Signals) => void,
  stopNow: (signal: NodeJS.Signals) => void,
): () => void {
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
