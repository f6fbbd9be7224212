import { TidingsError } from '../../wire/errors.js'
import { lost, withQuery } from './ask.js'
import type { Attempt, Ending, Transport } from './transport.js'

/** Of what waits to be listened to; a WebSocket cannot be read more slowly, so it is let go, and taken up again by its cursor. */
const maxWaiting = 1_000

const closeCodes = { expired: 4401, notAllowed: 4403, ended: 4409 } as const

/** Hears a hub over a WebSocket. */
export const webSocket: Transport = attempt =>
  new Promise(resolve => {
    const { settings, cursor, signal, headers } = attempt
    const { WebSocket, clock } = settings
    if (!WebSocket) {
      resolve({ kind: 'held', error: lost('There is no WebSocket here.') })
      return
    }
    if (Object.keys(headers).length > 0) {
      // They would be left out without a word.
      resolve({ kind: 'held', error: lost('A WebSocket sends no headers and no token.') })
      return
    }
    const url = withQuery(settings.url, cursor === '' ? {} : { lastEventId: cursor })
    const socket = new WebSocket(url.replace(/^http/, 'ws'))
    let isOpen = false
    const over = (ending: Ending): void => {
      clock.clearTimeout(timer)
      socket.onmessage = null
      socket.onclose = null
      socket.close()
      resolve(ending)
    }
    const timer = clock.setTimeout(
      () => over({ kind: 'held', error: lost('The WebSocket was not answered.') }),
      settings.answerMs,
    )
    signal.addEventListener('abort', () => over({ kind: 'again' }))
    socket.onmessage = ({ data }) => {
      clock.clearTimeout(timer)
      isOpen = true
      attempt.heard()
      hear(attempt, String(data))
      if (!signal.aborted && attempt.waiting > maxWaiting) {
        socket.onmessage = null
        socket.onclose = null
        socket.close()
        void attempt.room()?.then(() => over({ kind: 'again' }))
      }
    }
    // What it was comes with the close.
    socket.onerror = () => undefined
    socket.onclose = ({ code, reason }) => over(toEnding(code, reason, isOpen))
  })

function hear(attempt: Attempt, message: string): void {
  const { type = 'message', topic = '', id = '', data } = Object(parse(message))
  if (typeof data === 'string') attempt.take({ type, topic, id, data })
}

function parse(message: string): unknown {
  try {
    return JSON.parse(message)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function toEnding(code: number, reason: string, isOpen: boolean): Ending {
  const message = `The WebSocket was closed (${code}${reason && `: ${reason}`}).`
  switch (code) {
    case closeCodes.expired:
      return { kind: 'unauthorized', error: new TidingsError('unauthorized', message) }
    case closeCodes.notAllowed:
      return { kind: 'refused', error: new TidingsError('refused', message) }
    case closeCodes.ended:
      return { kind: 'ended' }
    default:
      // Browsers do not tell why a handshake was refused; another way may.
      return { kind: isOpen ? 'cut' : 'held', error: lost(message) }
  }
}
