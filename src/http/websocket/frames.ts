import { toEventObject } from '../../hub/page.js'
import type { Encoding } from '../../hub/sink.js'

/** Why a WebSocket is closed, as its close code (RFC 6455, 7.4). */
export const closeCodes = {
  /** The hub drains; come back. */
  draining: 1001,
  /** What was sent is no text. */
  unsupported: 1003,
  /** The subscription cannot go on now; come back. */
  tryAgain: 1013,
  /** The token has run out. */
  expired: 4401,
  /** The rules have changed: what is heard may not be heard any more. */
  notAllowed: 4403,
  /** The one topic that was asked for has ended. */
  ended: 4409,
} as const

/**
 * Events as WebSocket messages, each a whole frame: made once, and the same bytes for all that are sent it. Those of the hub's own have a
 * `$` type and no topic.
 */
export const webSocketEncoding: Encoding = Object.freeze<Encoding>({
  name: 'websocket',
  event: (event, id) => toTextFrame(JSON.stringify(toEventObject(event, id))),
  hubEvent: (type, id, data) => toTextFrame(JSON.stringify({ type, id, data })),
})

const finalText = 0x81

/** A text message as one frame without a mask, as servers send it (RFC 6455, 5.2). */
export function toTextFrame(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const headBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(headBytes + length)
  frame[0] = finalText
  if (headBytes === 2) {
    frame[1] = length
  } else if (headBytes === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.write(text, headBytes)
  return frame
}
