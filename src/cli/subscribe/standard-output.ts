import { createWriteStream, fstatSync } from 'node:fs'
import type { Writable } from 'node:stream'

/**
 * Standard output, of which a write that is called back without an error was taken whole.
 *
 * Node.js (20.20) writes to a file by one `writeSync`, and does not look at how much of it was taken: what a disk that is
 * nearly full leaves would be lost, and no error be raised.
 */
export function standardOutput(): Writable {
  if (!fstatSync(1).isFile()) return process.stdout
  const stream = createWriteStream('', { fd: 1, autoClose: false })
  // As for those of the process: whoever runs commands reports it.
  stream.on('error', error => {
    throw error
  })
  return stream
}
