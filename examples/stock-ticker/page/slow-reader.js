/**
 * A second reader of the same stream, which takes the first lines and then none, until it is told to read on. Its end comes when it has heard
 * what was the newest at that moment.
 *
 * @param {string} address
 * @param {() => ReadonlyMap<string, { readonly updates: number }>} newest
 * @param {(message: string) => void} tell
 */
export function openSlowReader(address, newest, tell) {
  let readOn = () => {}
  const asked = new Promise(resolve => {
    readOn = () => resolve(undefined)
  })
  return { readOn: () => readOn(), ended: read() }

  async function read() {
    try {
      const response = await fetch(address, { headers: { Accept: 'application/x-ndjson' } })
      if (!response.body) throw new Error('There is no body.')
      const reader = response.body.getReader()
      const decoder = new TextDecoder()
      /** @type {Map<string, number>} */
      const heard = new Map()
      let rest = ''
      let lines = 0
      const take = async () => {
        const { value, done } = await reader.read()
        if (done) throw new Error('It was cut off.')
        const whole = (rest + decoder.decode(value, { stream: true })).split('\n')
        rest = whole.pop() ?? ''
        for (const { type, key, data } of whole.map(line => JSON.parse(line))) {
          if (type !== 'stock') continue
          heard.set(key, JSON.parse(data).updates)
          lines++
        }
      }
      const sum = () => [...heard.values()].reduce((all, updates) => all + updates, 0)

      while (heard.size < newest().size) await take()
      tell(`It knows all ${heard.size} stocks, and reads no more.`)
      await asked
      const wanted = new Map([...newest()].map(([name, { updates }]) => [name, updates]))
      const before = { lines, sum: sum() }
      while ([...wanted].some(([name, updates]) => (heard.get(name) ?? 0) < updates)) await take()
      await reader.cancel()
      const given = lines - before.lines
      const spared = Math.max(0, sum() - before.sum - given)
      tell(`It is at the newest: given ${given.toLocaleString('en')} updates, spared ${spared.toLocaleString('en')}.`)
    } catch {
      tell('It was cut off, as who reads nothing for a minute is. With its cursor it could come back.')
    }
  }
}
