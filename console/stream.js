// The one connection of the page: the line stream, which carries events of every type, on several topics at once.

import { isCut, toProblem } from './problem.js'

/**
 * @typedef {{
 *   id?: string, topic: string, time: number, type?: string, key?: string, eventId?: string, data: string, end?: boolean
 * }} Heard
 * @typedef {'connecting' | 'live' | 'reconnecting' | 'refused'} State
 * @typedef {{
 *   heard: (event: Heard) => void,
 *   gap: () => void,
 *   state: (state: State, detail?: string) => void,
 * }} Listener
 */

/** The hub says something every 15 seconds; after so long without a byte the connection is taken for dead. */
const silenceMs = 45_000
const maxRetryMs = 15_000

/**
 * Listens until the page goes, and comes back by itself from where it was: behind the last position that it was told.
 *
 * @param {Listener} listener
 */
export function createStream(listener) {
  let cursor = ''
  let running = new AbortController()
  return {
    /** The position up to which all was heard that was asked for; empty before the first. */
    cursor: () => cursor,

    /**
     * Goes over to these selectors: one cursor serves any of them.
     *
     * @param {readonly string[]} selectors
     * @param {string} from A cursor; empty: from now on.
     */
    listen(selectors, from) {
      running.abort()
      running = new AbortController()
      cursor = from
      void run(selectors, running.signal)
    },
  }

  /**
   * @param {readonly string[]} selectors
   * @param {AbortSignal} signal
   */
  async function run(selectors, signal) {
    const query = new URLSearchParams(selectors.map(selector => ['topic', selector]))
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        const response = await fetch(`/events?${query}`, {
          headers: { Accept: 'application/x-ndjson', ...(cursor !== '' && { 'Last-Event-ID': cursor }) },
          cache: 'no-store',
          signal,
        })
        if (response.ok && response.body) {
          failures = 0
          listener.state('live')
          for await (const line of lines(response.body, signal)) take(line)
          listener.state('reconnecting')
        } else {
          listener.state('refused', (await toProblem(response)).detail)
        }
      } catch (error) {
        if (signal.aborted) return
        if (!isCut(error)) throw error
        listener.state('reconnecting')
      }
      await retryTime(failures, signal)
    }
  }

  /** @param {string} line */
  function take(line) {
    const event = JSON.parse(line)
    if (typeof event.id === 'string') cursor = event.id
    if (typeof event.topic === 'string') listener.heard(event)
    else if (event.type === '$gap') listener.gap()
  }
}

/**
 * The lines of a body. Ends with the body, and is cut off when `signal` says so or nothing comes for too long.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @param {AbortSignal} signal
 */
async function* lines(body, signal) {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    while (!signal.aborted) {
      const timer = setTimeout(() => void reader.cancel(), silenceMs)
      const { done, value } = await reader.read().finally(() => clearTimeout(timer))
      if (done) return
      const pieces = (rest + decoder.decode(value, { stream: true })).split('\n')
      rest = pieces.pop() ?? ''
      yield* pieces
    }
  } finally {
    reader.releaseLock()
  }
}

/**
 * Resolves when it is time to try again: after longer and longer, at once when the network is back or somebody looks.
 *
 * @param {number} failures
 * @param {AbortSignal} signal
 */
function retryTime(failures, signal) {
  const waitMs = Math.min(maxRetryMs, 500 * 2 ** failures) * (0.8 + 0.4 * Math.random())
  const over = new AbortController()
  return new Promise(resolve => {
    const end = () => {
      clearTimeout(timer)
      over.abort()
      resolve(undefined)
    }
    const timer = setTimeout(end, waitMs)
    signal.addEventListener('abort', end, { signal: over.signal })
    addEventListener('online', end, { signal: over.signal })
    document.addEventListener(
      'visibilitychange',
      () => {
        if (document.visibilityState === 'visible') end()
      },
      { signal: over.signal },
    )
  })
}
