// The one connection of the page, by the client that the hub serves: it carries events of every type, on several topics at once.

import { connect } from '/tidings.js'

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

/** What the hub refuses, such as a page of an origin that it no longer lists, is asked for again all the same: its settings change. */
const refusedMs = 5_000
/** Nobody should look for longer than this at a page that does not try. */
const maxBackoffMs = 15_000

/**
 * Listens until the page goes, and comes back by itself from where it was: behind the last position that it was told.
 *
 * @param {Listener} listener
 */
export function createStream(listener) {
  /** @type {import('/tidings.js').Connection | undefined} */
  let connection
  /** Of it; from where it began, until it has heard something. */
  let heardUpTo = ''
  return {
    /** The position up to which all was heard that was asked for; empty before the first. */
    cursor: () => connection?.cursor || heardUpTo,

    /**
     * Goes over to these selectors: one cursor serves any of them.
     *
     * @param {readonly string[]} selectors
     * @param {string} from A cursor; empty: from now on.
     */
    listen(selectors, from) {
      connection?.close()
      heardUpTo = from
      connection = open(selectors, from)
    },
  }

  /**
   * @param {readonly string[]} selectors
   * @param {string} from
   */
  function open(selectors, from) {
    // The data are whole events, with time and key, which the stream has no fields for. So have pages; they are not enveloped, hence no long polls.
    const opened = connect('/events?envelope=1', {
      topics: selectors,
      cursor: from,
      transports: ['event-stream'],
      maxBackoffMs,
      onState({ state, error }) {
        if (connection !== opened) return
        if (state === 'open') listener.state('live')
        if (state === 'waiting') listener.state('reconnecting', error?.message)
      },
      // What ended the connection is said below.
      onError(error) {
        if (opened.state !== 'closed') reportError(error)
      },
    })
    opened.on('**', event => listener.heard(JSON.parse(event.data)))
    opened.on('$gap', () => listener.gap())
    void opened.closed.then(({ error }) => {
      if (connection !== opened || error === undefined) return
      listener.state('refused', error.message)
      heardUpTo = opened.cursor || heardUpTo
      setTimeout(() => {
        if (connection === opened) connection = open(selectors, heardUpTo)
      }, refusedMs)
    })
    return opened
  }
}
