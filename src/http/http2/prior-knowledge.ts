import type { Socket } from 'node:net'
import type { ClientError } from '../client-error.js'

/** What a client begins with that knows that HTTP/2 is spoken here (RFC 9113, 3.3). */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** Whether what the parser of HTTP/1.1 has stumbled over is that. It reads it to its end, but not for each letter as it should be. */
export function isPreface({ code, rawPacket, bytesParsed = 0 }: ClientError): boolean {
  if (code !== 'HPE_PAUSED_H2_UPGRADE' || bytesParsed > preface.length) return false
  // It may have come in pieces, of which the last one is at hand.
  return rawPacket?.subarray(0, bytesParsed).equals(preface.subarray(preface.length - bytesParsed)) === true
}

/**
 * Takes a connection out of the HTTP server that began with the preface, as if nothing of it had been read. So HTTP/1.1 costs nothing
 * for it: nobody looks at its first bytes but its parser.
 */
export function takeFromHttp1(socket: Socket, { rawPacket, bytesParsed }: ClientError): void {
  socket.setTimeout(0)
  // All that the server listens to but 'close', at which it frees the parser.
  for (const event of ['data', 'end', 'drain', 'timeout', 'error', 'resume', 'pause']) socket.removeAllListeners(event)
  // Its parser reads the handle of a connection by itself until somebody listens to 'data'.
  socket.on('data', ignore)
  socket.off('data', ignore)
  socket.pause()
  socket.unshift(Buffer.concat([preface, rawPacket?.subarray(bytesParsed) ?? Buffer.alloc(0)]))
}

function ignore(): void {}
