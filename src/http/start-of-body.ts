import type { ReadRequest } from './read-request.js'
import { gzipHead } from './sinks/gzip.js'

/** What the body of a stream begins with, before what is the same for others. */
export function startOfBody({ coding, encoding }: ReadRequest, retryMs: number): Uint8Array {
  const retry = encoding.retry?.(retryMs) ?? new Uint8Array()
  return coding ? Buffer.concat([gzipHead, retry]) : retry
}
