import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ResponseReader } from './response-reader.js'

/** What is read of a connection's bytes, cut where `cuts` say. */
function read(text: string, cuts: readonly number[] = []): readonly string[] {
  const said: string[] = []
  let body = ''
  const reader = new ResponseReader({
    onHead: ({ status, headers }) => said.push(`${status} ${headers.get('x-is') ?? ''}`.trim()),
    onBody: bytes => {
      body += Buffer.from(bytes).toString()
    },
    onEnd: () => {
      said.push(body, 'end')
      body = ''
    },
  })
  const bytes = Buffer.from(text)
  const places = [0, ...cuts.map(cut => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  for (const [i, from] of places.entries()) reader.push(bytes.subarray(from, places[i + 1]))
  return body === '' ? said : [...said, body]
}

const several =
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Is: first\r\n\r\n12345' +
  'HTTP/1.1 204 No Content\r\n\r\n' +
  'HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n' +
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0A;x=y\r\n0123\r\n\r\n89\r\n0\r\nX-Trailer: 1\r\n\r\n' +
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n' +
  'HTTP/1.1 200 OK\r\nx-is: last\r\n\r\nto the end\r\n\r\nof the connection'
const all = [
  ...['200 first', '12345', 'end', '204', '', 'end', '304', '', 'end', '200', 'abc0123\r\n\r\n89', 'end'],
  ...['200', '', 'end', '200 last', 'to the end\r\n\r\nof the connection'],
]

describe('the responses of a connection', () => {
  it('are read however they are cut', () => {
    expect(read(several)).toEqual(all)
    fc.assert(
      fc.property(fc.array(fc.nat()), cuts => {
        expect(read(several, cuts)).toEqual(all)
      }),
    )
  })

  it.each([
    ['SSH-2.0-OpenSSH\r\n\r\n', 'does not speak HTTP/1.1'],
    [`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}`, 'head does not end'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nsize\r\n', 'no size'],
  ])('are refused: %.40j', (text, why) => {
    expect(() => read(text)).toThrow(why)
  })
})
