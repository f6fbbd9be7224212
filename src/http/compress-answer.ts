import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Answer } from './answer.js'
import type { ContentCoding } from './content-coding.js'

/** A smaller answer fits into one packet as it is. */
const leastBytes = 1024
/** Compressed at once, each on a thread of Node's with a quarter of a megabyte of its own; further ones go as they are. */
const maxAtOnce = 4
/** Of so many characters one is kept, for the others who are answered the same: those who wait wake together. */
const maxKeptLength = 64 * 1024

const compress = promisify(gzip)

let atOnce = 0
let kept: { readonly text: string; readonly compressed: Promise<Uint8Array | undefined> } | undefined

/** An answer in that coding, where that makes it smaller. Of one that has a weak tag that stays good, for the content is the same. */
export async function inCoding(answer: Answer, coding: ContentCoding | undefined): Promise<Answer> {
  const { body } = answer
  if (!coding || typeof body !== 'string' || body.length < leastBytes) return answer
  const compressed = await (kept?.text === body ? kept.compressed : begin(body))
  if (!compressed || compressed.length >= Buffer.byteLength(body)) return answer
  return { ...answer, headers: { ...answer.headers, 'Content-Encoding': coding }, body: compressed }
}

function begin(text: string): Promise<Uint8Array | undefined> | undefined {
  if (atOnce >= maxAtOnce) return undefined
  atOnce++
  const compressed = compress(text)
    .catch(() => {
      // For want of memory: it goes as it is, and the next one is tried again.
      if (kept?.text === text) kept = undefined
      return undefined
    })
    .finally(() => {
      atOnce--
    })
  if (text.length <= maxKeptLength) kept = { text, compressed }
  return compressed
}
