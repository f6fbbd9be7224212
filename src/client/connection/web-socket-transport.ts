import type { Attempt, Ending, Transport } from './transport.js'

/** Of what waits to be listened to; a WebSocket cannot be read more slowly, so it is let go, and taken up again by its cursor. */
const maxWaiting = 1_000
const maxWaitingChars = 8 * 1024 * 1024

/** Hears a hub over a WebSocket. Imports nothing, so that a bundler has no reason to load more than this with it. */
export const webSocket: Transport = attempt =>
  new Promise(resolve => {
    const { settings, cursor, signal, headers } = attempt
    const unable = (why: string, cause?: unknown): void =>
      resolve({ kind: 'refused', isShut: true, why, cause, code: 'invalid-setting' })
    const given = settings.WebSocket as (new (url: string, init?: object) => WebSocket) | undefined
    const Socket = given ?? (globalThis as { readonly WebSocket?: typeof WebSocket }).WebSocket
    if (!Socket) return unable('There is no WebSocket here.')
    if ((settings.method ?? 'GET') !== 'GET' || settings.body !== undefined) {
      return unable('A WebSocket begins with no method but GET, and no body.')
    }
    const hasHeaders = Object.keys(headers).length > 0
    // They would be left out without a word.
    if (hasHeaders && !given) return unable('The WebSocket of the platform sends no headers and no token.')
    const url = new URL(settings.url.replace(/^http/, 'ws'))
    if (cursor !== '') url.searchParams.set('lastEventId', cursor)
    let socket: WebSocket
    try {
      socket = new (Socket as NonNullable<typeof given>)(url.href, ...(hasHeaders ? [{ headers }] : []))
    } catch (cause) {
      return unable('The WebSocket was not made.', cause)
    }
    let isOpen = false
    /** Of what came since something waits. */
    let waiting = 0
    let waitingChars = 0
    let room: Promise<void> | undefined
    const leave = (): void => {
      socket.onmessage = null
      socket.onclose = null
      socket.close()
    }
    const over = (ending: Ending): void => {
      leave()
      resolve(ending)
    }
    signal.addEventListener('abort', () => over({ kind: 'again' }))
    socket.onmessage = ({ data }) => {
      isOpen = true
      attempt.heard()
      hear(attempt, String(data))
      room ??= attempt.room()?.then(() => {
        room = undefined
        waiting = 0
        waitingChars = 0
      })
      if (!room) return
      waitingChars += String(data).length
      if (++waiting <= maxWaiting && waitingChars <= maxWaitingChars) return
      leave()
      void room.then(() => resolve({ kind: 'again' }))
    }
    // What it was comes with the close.
    socket.onerror = () => undefined
    socket.onclose = ({ code, reason }) => over(toEnding(code, reason, isOpen))
  })

function hear(attempt: Attempt, message: string): void {
  const { type = 'message', topic = '', id = '', data } = Object(parse(message))
  // What is no event is an answer to a message, and none was sent.
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
  const why = `The WebSocket was closed (${code}${reason && `: ${reason}`}).`
  // The token has run out; what is heard may not be heard; the topic has ended.
  if (code === 4401) return { kind: 'unauthorized', why }
  if (code === 4403) return { kind: 'refused', why }
  if (code === 4409) return { kind: 'ended' }
  // Browsers do not tell why a handshake was refused; another way may.
  return { kind: 'cut', why, ...(!isOpen && { isShut: true }) }
}
