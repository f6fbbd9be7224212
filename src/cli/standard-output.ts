import { exitCodes } from './exit-codes.js'
import { report } from './report.js'

let isNeeded = true

/**
 * Hears what becomes of the two output streams. What cannot be written to standard output ends the command with 1, for it is what was
 * asked for; a reader that has gone, as `| head` does, is left to the command. What cannot be written to standard error is lost.
 */
export function guardOutput(): void {
  process.stderr.on('error', () => undefined)
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || !isNeeded) return
    const why = error.code === 'ENOSPC' ? 'there is no room left (ENOSPC)' : error.message
    report(`tidings: Standard output cannot be written to: ${why}.`)
    process.exit(exitCodes.failure)
  })
}

/** From now on, what is on standard output is a courtesy: a hub does not end because the disk behind it is full. */
export function goOnWithoutOutput(): void {
  isNeeded = false
}
