import { http1, http2, inGzip } from './carriers.js'
import { longPolls, pages } from './polls.js'
import { eventStream, lineStream } from './streams.js'
import type { Transport } from './transport.js'
import { webSocket } from './web-socket.js'

/**
 * All ways to read a hub. What one of them cannot do by its nature, it says of itself (`Transport`), and the case that it concerns holds it to
 * that: none leaves out a case. What is in gzip, or over HTTP/2, is what it is without that.
 *
 * |                        | conflates | breaks | key | full hub           | topic over | drained |
 * | ---------------------- | --------- | ------ | --- | ------------------ | ---------- | ------- |
 * | event stream           | yes       | as LF  | no  | told to come again | 204        | retry   |
 * | event stream, envelope | yes       | kept   | yes | told to come again | 204        | retry   |
 * | line stream            | yes       | kept   | yes | 503                | 204        | nothing |
 * | page                   | no        | kept   | yes | served             | the end    | nothing |
 * | long poll              | no        | kept   | yes | 503                | the end    | nothing |
 * | WebSocket              | yes       | kept   | yes | 503                | 4409       | 1001    |
 */
export const transports: readonly Transport[] = [
  eventStream('event stream', http1),
  eventStream('event stream, enveloped', http1, { isEnveloped: true }),
  eventStream('event stream in gzip', inGzip(http1)),
  lineStream('line stream', http1),
  lineStream('line stream in gzip', inGzip(http1)),
  pages('page', http1),
  pages('page in gzip', inGzip(http1)),
  longPolls('long poll', http1),
  { ...eventStream('event stream over HTTP/2', http2), isEncrypted: true },
  { ...lineStream('line stream over HTTP/2', http2), isEncrypted: true },
  { ...pages('page over HTTP/2', http2), isEncrypted: true },
  { ...longPolls('long poll over HTTP/2', http2), isEncrypted: true },
  eventStream('event stream in gzip over HTTP/2 without TLS', inGzip(http2)),
  webSocket('WebSocket'),
]
