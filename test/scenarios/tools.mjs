/**
 * @typedef {new (url: string, init?: { withCredentials?: boolean }) => EventSource} Constructor
 * @typedef {Constructor & { CONNECTING: number, OPEN: number, CLOSED: number }} AnyEventSource
 *
 * @typedef {object} Answer see `server.ts`
 * @property {number} [status]
 * @property {Record<string, string>} [headers]
 * @property {(string | number[])[]} [chunks]
 * @property {'end' | 'hold'} [end]
 * @property {'chunked' | 'close'} [framing]
 * @property {'none' | '*' | 'credentials'} [cors]
 *
 * @typedef {object} Came a request, as the server saw it
 * @property {string} method
 * @property {string} path
 * @property {number} port
 * @property {number} atMs
 * @property {Record<string, string>} headers
 *
 * @typedef {object} Script
 * @property {string} url of its stream
 * @property {string} otherUrl of the same stream, at another origin
 * @property {(wanted?: { requests?: number, closed?: number }) => Promise<Came[]>} requests when so many have come, and so many are over
 * @property {() => Promise<number>} preflights
 * @property {() => void} cut breaks the connections of its streams
 *
 * @typedef {ReturnType<typeof createTools>} Tools
 */

/** @param {AnyEventSource} EventSource @param {string[]} origins */
export function createTools(EventSource, origins) {
  const [origin = '', other = ''] = origins

  /** Has the server answer so, one request after another, and then with 204. @param {Answer[]} answers @returns {Promise<Script>} */
  async function script(...answers) {
    const made = await fetch(`${origin}/scripts`, { method: 'POST', body: JSON.stringify(answers) })
    const { id } = await made.json()
    const ask = async (query = '') => await (await fetch(`${origin}/scripts/${id}?${query}`)).json()
    return {
      url: `${origin}/streams/${id}`,
      otherUrl: `${other}/streams/${id}`,
      requests: async ({ requests = 0, closed = 0 } = {}) =>
        (await ask(`requests=${requests}&closed=${closed}`)).requests,
      preflights: async () => (await ask()).preflights,
      cut: () => void ask('cut=1'),
    }
  }

  /**
   * Hears a stream, and says what was heard: `open`, `error STATE` and events as `[type, data, id]`. Leaves it when `isEnough` says so, of what was
   * heard so far, or when it is closed.
   *
   * @param {EventSource} source
   * @param {{ types?: string[], isEnough?: (heard: unknown[]) => boolean }} [options]
   * @returns {Promise<unknown[]>}
   */
  function hear(source, { types = [], isEnough = () => false } = {}) {
    /** @type {unknown[]} */
    const heard = []
    return new Promise(resolve => {
      const note = (/** @type {unknown} */ what) => {
        heard.push(what)
        if (isEnough(heard)) source.close()
        if (source.readyState === EventSource.CLOSED) resolve(heard)
      }
      source.addEventListener('open', () => note('open'))
      source.addEventListener('error', () => note(`error ${source.readyState}`))
      for (const type of new Set(['message', ...types])) {
        source.addEventListener(type, ({ data, lastEventId }) => note([type, data, lastEventId]))
      }
    })
  }

  /** As `hear`, of a new one, to its first `error`. @param {string} url @param {string[]} [types] */
  function hearOnce(url, types = []) {
    return hear(new EventSource(url), { types, isEnough: isOver })
  }

  return { EventSource, origin, other, script, hear, hearOnce }
}

/** @param {unknown[]} heard */
export const isOver = heard => String(heard.at(-1)).startsWith('error')

/** Only the events. @param {unknown[]} heard */
export const eventsOf = heard => heard.filter(Array.isArray)
