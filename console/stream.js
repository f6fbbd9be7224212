// The one connection of the page: the browser's own EventSource, on several topics at once.

/**
 * @typedef {{ topic: string, time: number, data: string }} Heard
 * @typedef {'connecting' | 'live' | 'reconnecting' | 'refused'} State
 */

const retryMs = 5_000

/**
 * Listens until the page goes. The browser reconnects by itself and names the last event that it has seen; only where it
 * has given up for good (a status that is no stream) is a new connection made here, from the same place on.
 *
 * @param {readonly string[]} topics
 * @param {{ heard: (event: Heard) => void, gap: () => void, state: (state: State) => void }} listener
 */
export function listen(topics, listener) {
  let lastEventId = ''

  const open = () => {
    const query = new URLSearchParams(topics.map(topic => ['topic', topic]))
    query.set('envelope', '1')
    query.set('since', '5m')
    if (lastEventId !== '') query.set('lastEventId', lastEventId)
    const source = new EventSource(`/events?${query}`)
    source.onopen = () => listener.state('live')
    source.onmessage = message => {
      lastEventId = message.lastEventId
      const event = toHeard(message.data)
      if (event) listener.heard(event)
    }
    source.addEventListener('$cursor', message => {
      lastEventId = message.lastEventId
    })
    source.addEventListener('$gap', message => {
      lastEventId = message.lastEventId
      listener.gap()
    })
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) {
        listener.state('reconnecting')
        return
      }
      listener.state('refused')
      setTimeout(open, retryMs)
    }
  }
  open()
}

/**
 * @param {string} envelope An event object, as `envelope=1` puts it into the data.
 * @returns {Heard | undefined}
 */
function toHeard(envelope) {
  const { topic, time, data } = JSON.parse(envelope)
  if (typeof topic !== 'string' || typeof time !== 'number' || typeof data !== 'string') return undefined
  return { topic, time, data }
}
