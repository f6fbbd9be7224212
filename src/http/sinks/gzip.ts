import { constants, deflateRawSync } from 'node:zlib'
import type { Encoding } from '../../hub/sink.js'

/**
 * gzip that costs no memory for a connection.
 *
 * A gzip stream is a head, blocks of deflate, and a trailer (RFC 1952). The blocks of a write are made once for all that hear the same; each
 * time they end on a whole byte and refer to nothing before them, so they can be read wherever a connection stands. Each connection is given the head.
 * The trailer would be a checksum of all that one connection was given: there is none. The streams end with their connections, and browsers, curl
 * and `fetch` read what has come without it.
 */

/** What each connection begins with: deflate, no name, no time, no system (RFC 1952, 2.3). */
export const gzipHead: Uint8Array = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255)

/** Fewer bytes than that alone become none fewer [JSON of 88 characters as an event: 115 bytes, and 114]. */
const leastBytes = 160
/** What one turn of the loop compresses, about 10 ms of it; what comes above that goes as it is, and so does a larger event. */
const maxBytesPerTurn = 512 * 1024
/** What of that may be for one view alone: a part is left for events that are compressed by themselves, each once for all views. */
const maxBytesForViews = 384 * 1024
/** A call takes as long as so many bytes, whatever it is given [10 µs]. */
const bytesOfCall = 512
/** A block that is stored has its length in 16 bits (RFC 1951, 3.2.4). */
const maxStoredBytes = 65_535
const storedHeadBytes = 5

let bytesThisTurn = 0

/** What is compressed in this turn is counted; whether so much may be. Each call counts for as much as it costs beside its bytes. */
function take(of: number, most: number): boolean {
  const bytes = of + bytesOfCall
  if (bytesThisTurn + bytes > most) return false
  if (bytesThisTurn === 0) {
    setImmediate(() => {
      bytesThisTurn = 0
    }).unref()
  }
  bytesThisTurn += bytes
  return true
}

/**
 * Bytes as blocks of deflate that stand alone: compressed where that makes them fewer, else as they are, with five more. None, of none.
 */
export function toBlocks(bytes: Uint8Array): Uint8Array {
  if (bytes.length < leastBytes || !take(bytes.length, maxBytesPerTurn)) return toStoredBlocks(bytes)
  return compress(bytes)
}

/** The same, for what each view compresses by itself; nothing, where no more of that is to be done in this turn. */
export function toBlocksTogether(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < leastBytes) return toStoredBlocks(bytes)
  return take(bytes.length, maxBytesForViews) ? compress(bytes) : undefined
}

function compress(bytes: Uint8Array): Uint8Array {
  // Flushed, and not finished: finished, the stream would be over.
  const made = deflateRawSync(bytes, {
    finishFlush: constants.Z_FULL_FLUSH,
    // Room for all at once, also if nothing becomes less.
    chunkSize: bytes.length + 64,
  })
  if (made.length >= bytes.length + storedHeadBytes) return toStoredBlocks(bytes)
  // It lies in that room, which is to be let go.
  return Buffer.from(made)
}

/**
 * Bytes as blocks that refer to `past`, which has to be what their reader has read last. Nothing, where no more is to be compressed in this turn.
 * A past that is set beside the bytes does in one call what a compressor kept for its readers would, and nothing is kept.
 */
export function toBlocksAfter(past: Uint8Array, bytes: Uint8Array): Uint8Array | undefined {
  if (!take(bytes.length + past.length / 8, maxBytesForViews)) return undefined
  const made = deflateRawSync(bytes, {
    dictionary: past,
    finishFlush: constants.Z_SYNC_FLUSH,
    chunkSize: bytes.length + 64,
  })
  return made.length >= bytes.length + storedHeadBytes ? toStoredBlocks(bytes) : Buffer.from(made)
}

/** Bytes as they are, in blocks that stand alone. */
export function toStoredBlocks(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return bytes
  const count = Math.ceil(bytes.length / maxStoredBytes)
  const blocks = Buffer.allocUnsafe(bytes.length + count * storedHeadBytes)
  let at = 0
  for (let from = 0; from < bytes.length; from += maxStoredBytes) {
    const part = bytes.subarray(from, from + maxStoredBytes)
    // Not the last one, stored.
    blocks[at] = 0
    blocks.writeUInt16LE(part.length, at + 1)
    blocks.writeUInt16LE(~part.length & 0xffff, at + 3)
    blocks.set(part, at + storedHeadBytes)
    at += storedHeadBytes + part.length
  }
  return blocks
}

const made = new WeakMap<Encoding, Encoding>()

/** The same encoding in blocks; the same object for the same encoding, since subscriptions share frames by it. */
export function gzipped(plain: Encoding): Encoding {
  const found = made.get(plain)
  if (found) return found
  const encoding = Object.freeze<Encoding>({
    name: `${plain.name}+gzip`,
    event: (event, id) => toBlocks(plain.event(event, id)),
    // Small, and some of it made for one reader.
    hubEvent: (type, id, data) => toStoredBlocks(plain.hubEvent(type, id, data)),
    ...(plain.retry && { retry: ms => toStoredBlocks(plain.retry?.(ms) ?? new Uint8Array()) }),
    packing: { of: plain, pack: toBlocks, packTogether: toBlocksTogether, packAfter: toBlocksAfter },
  })
  made.set(plain, encoding)
  return encoding
}
