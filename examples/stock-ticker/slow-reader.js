import { get } from 'node:http'

/** @typedef {{ state: 'none' | 'stopped' | 'reading on' | 'at the newest' | 'cut off', given: number, spared: number }} SlowReader */

/**
 * A reader with a connection like any other, which reads nothing until it is told to, and then until it has heard what was the newest at that
 * moment. It is here and not in a page, because a browser reads ahead some megabytes.
 *
 * @param {() => string} address
 * @param {readonly import('./market.js').Stock[]} stocks
 */
export function createSlowReader(address, stocks) {
  /** @type {SlowReader} */
  const reader = { state: 'none', given: 0, spared: 0 }
  /** @type {import('node:http').IncomingMessage | undefined} */
  let response
  /** How many updates each stock had had, as was heard. */
  const heard = new Map()

  return {
    reader,
    start() {
      Object.assign(reader, { state: 'stopped', given: 0, spared: 0 })
      heard.clear()
      const request = get(address(), { headers: { Accept: 'application/x-ndjson' } }, answer => {
        response = answer.pause()
      })
      request.on('error', () => undefined)
      request.on('close', () => {
        if (reader.state !== 'at the newest') reader.state = 'cut off'
        response = undefined
      })
    },
    readOn() {
      if (!response || reader.state !== 'stopped') return
      reader.state = 'reading on'
      const wanted = stocks.map(({ symbol, updates }) => ({ symbol, updates }))
      let rest = ''
      response.setEncoding('utf8').on('data', text => {
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) take(JSON.parse(line))
        if (wanted.some(({ symbol, updates }) => (heard.get(symbol) ?? 0) < updates)) return
        reader.state = 'at the newest'
        response?.destroy()
      })
      response.resume()
    },
  }

  /** @param {{ id?: string, type?: string, key: string, data: string }} event */
  function take({ id, type, key, data }) {
    if (type !== 'stock') return
    const { updates } = JSON.parse(data)
    // Those with which a stream of the newest begins have no id.
    if (id !== undefined) reader.given++
    if (heard.has(key)) reader.spared += updates - heard.get(key) - 1
    heard.set(key, updates)
  }
}
