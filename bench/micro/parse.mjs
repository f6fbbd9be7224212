// An event stream from the bytes of its pieces to events; beside it eventsource-parser, which takes text, behind the TextDecoder that it
// needs. Both must find the same events before they are measured.
import assert from 'node:assert/strict'
import { createParser as createPeer } from 'eventsource-parser'
import { createParser } from '../../dist/wire/parse.js'
import { compare } from './measure.mjs'

const json = JSON.stringify({
  symbol: 'AAPL',
  bids: Array.from({ length: 80 }, (_, at) => [187.2 - at / 100, at * 10]),
})
/** @param {number} count @param {string} data */
const stream = (count, data) =>
  Buffer.from(
    Array.from(
      { length: count },
      (_, at) => `id: k3x9-${at}\nevent: trade\ndata: ${data.replaceAll('\n', '\ndata: ')}\n\n`,
    ).join(''),
  )
/** @param {Buffer} bytes @param {number} size @returns {readonly Buffer[]} */
const cut = (bytes, size) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size))

const hundred = stream(1, 'x'.repeat(100))
/** @param {Buffer} bytes */
const withCrLf = bytes => Buffer.from(bytes.toString().replaceAll('\n', '\r\n'))
const lines = Array.from({ length: 20 }, () => 'a line of a log').join('\n')
const word = (/** @type {string} */ text) =>
  JSON.stringify({ id: 'answer-17', choices: [{ index: 0, delta: { text } }] })
/** @type {Readonly<Record<string, readonly Buffer[]>>} */
const shapes = {
  'events of 100 bytes, one a piece': Array.from({ length: 500 }, () => hundred),
  'events of 100 bytes, pieces of 64 KiB': cut(stream(2_000, 'x'.repeat(100)), 65_536),
  'events of 100 bytes, pieces of 61 bytes': cut(stream(500, 'x'.repeat(100)), 61),
  '2 kB of JSON, pieces of 16 KiB': cut(stream(200, json), 16_384),
  '64 KiB of text, pieces of 16 KiB': cut(stream(8, 'x'.repeat(65_536)), 16_384),
  '20 lines each, pieces of 16 KiB': cut(stream(300, lines), 16_384),
  'CRLF, events of 100 bytes, pieces of 16 KiB': cut(withCrLf(stream(2_000, 'x'.repeat(100))), 16_384),
  'CRLF, 20 lines each, pieces of 16 KiB': cut(withCrLf(stream(300, lines)), 16_384),
  'JSON around a word, one a piece': Array.from({ length: 500 }, (_, at) =>
    Buffer.from(`data: ${word(`word ${at}`)}\n\n`),
  ),
  'JSON around a word, pieces of 8 bytes': cut(
    Buffer.from(Array.from({ length: 200 }, (_, at) => `data: ${word(`word ${at}`)}\n\n`).join('')),
    8,
  ),
  'four comments to an event, a line a piece': Array.from({ length: 500 }, (_, at) =>
    Buffer.from(at % 5 === 0 ? 'data: tick\n\n' : ': still here\n'),
  ),
  'several scripts, one event a piece': Array.from({ length: 500 }, (_, at) =>
    Buffer.from(`data: ${['こんにちは、元気ですか', 'Привет, как дела?', 'Ça va très bien'][at % 3]} 🎉\n\n`),
  ),
  'Korean, pieces of 16 KiB': cut(stream(500, '가나다라 '.repeat(40)), 16_384),
}

/** @param {readonly Buffer[]} pieces @param {(type: string, data: string, id: string) => void} hear */
function ours(pieces, hear) {
  const parser = createParser({ onEvent: ({ type, data, id }) => hear(type, data, id) })
  for (const piece of pieces) parser.push(piece)
  parser.close()
}

/** @param {readonly Buffer[]} pieces @param {(type: string, data: string, id: string) => void} hear */
function peer(pieces, hear) {
  const decoder = new TextDecoder()
  const parser = createPeer({ onEvent: ({ event, data, id }) => hear(event ?? 'message', data, id ?? '') })
  for (const piece of pieces) parser.feed(decoder.decode(piece, { stream: true }))
  parser.reset()
}

for (const [name, pieces] of Object.entries(shapes)) {
  const [heard, peerHeard] = [ours, peer].map(parse => {
    /** @type {string[]} */
    const events = []
    parse(pieces, (...event) => events.push(event.join('\t')))
    return events
  })
  assert.ok(heard !== undefined && heard.length > 0)
  assert.deepEqual(heard, peerHeard)

  let characters = 0
  const count = (/** @type {string} */ _, /** @type {string} */ data) => {
    characters += data.length
  }
  const run = (/** @type {typeof ours} */ parse) => () => {
    parse(pieces, count)
    return characters
  }
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const contestants = [
    { name: 'wire/parse', run: run(ours) },
    { name: 'TextDecoder + eventsource-parser', run: run(peer) },
  ]
  await compare(`parse ${name} (an event)`, contestants, { operations: heard.length, bytes })
}
