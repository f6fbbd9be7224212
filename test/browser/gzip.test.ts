import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Assets } from '../../src/http/assets.js'
import { createHttpServer, type HubServer } from '../../src/http/server.js'
import { resolveHttpSettings } from '../../src/http/settings.js'
import { createHub } from '../../src/hub/create-hub.js'
import type { Hub, Subscription } from '../../src/hub/hub.js'
import { createMemoryLog } from '../../src/log/memory.js'
import { hubLike, RawConnection, request } from '../http/hub-on-http.js'
import { browserProgram, openBrowser } from '../support/browser.js'
import { firefoxProgram, showInFirefox } from '../support/firefox.js'

/** What a page hears it says again, under its own topic: Firefox cannot be asked. */
const script = `
const say = text => fetch('/events/heard', { method: 'POST', body: text, headers: { 'content-type': 'text/plain' } })
const later = []
const inTurn = text => later.push(text) === 1 && (async () => {
  for (; later.length > 0; later.shift()) await say(later[0])
})()
const source = new EventSource('/events/news')
source.addEventListener('$cursor', () => inTurn('open'))
source.onmessage = event => {
  inTurn('heard ' + event.data)
  if (event.data === 'read') readToTheEnd()
}
async function readToTheEnd() {
  const response = await fetch('/events/over?since=earliest')
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      text += value
    }
    inTurn('read ' + /event: (\\$end)/.exec(text)?.[1] + ', then the end')
  } catch (error) {
    inTurn('read ' + /event: (\\$end)/.exec(text)?.[1] + ', then ' + error.name)
  }
}
`
const assets: Assets = new Map([
  ['/page.html', { type: 'text/html; charset=utf-8', body: '<!doctype html><script src="/page.js"></script>' }],
  ['/page.js', { type: 'text/javascript; charset=utf-8', body: script }],
])

const patience = { timeout: 30_000, interval: 20 }

describe.each([
  ['Chromium', browserProgram],
  ['Firefox', firefoxProgram],
] as const)('EventSource of %s, in gzip', (name, program) => {
  let hub: Hub
  let server: HubServer
  let close: () => Promise<void>
  const streams: Subscription[] = []

  beforeAll(async () => {
    if (!program) return
    const log = createMemoryLog()
    hub = await createHub(log, { retryMs: 500 })
    const watched = hubLike(hub, {
      attach: (beginning, sink) => {
        const stream = hub.attach(beginning, sink)
        streams.push(stream)
        return stream
      },
    })
    server = createHttpServer({
      hub: watched,
      settings: resolveHttpSettings({ port: 0, compression: 'gzip' }),
      assets,
    })
    const { url, port } = await server.listen()
    await hub.publish([{ topic: 'over', data: 'all was said '.repeat(40), end: true }])
    const show = async () => {
      if (name === 'Firefox') return showInFirefox([`${url}/page.html`])
      const browser = await openBrowser()
      await (await browser.newPage()).goto(`${url}/page.html`)
      return () => browser.close()
    }
    // Another one who hears the same, so that what comes is compressed behind what both have.
    const other = new RawConnection(port).write(request('GET', '/events/news', { 'Accept-Encoding': 'gzip' }))
    const closePage = await show()
    close = async () => {
      await closePage()
      other.destroy()
      await server.close()
      await hub.close()
      await log.close()
    }
  }, 60_000)
  afterAll(() => close?.())
  beforeEach(() => eventually('open'))

  async function said(): Promise<string[]> {
    const { events } = await hub.page({ selectors: [{ text: 'heard', glob: undefined }] }, { limit: 1000 })
    return events.map(({ data }) => data)
  }

  async function eventually(text: string): Promise<void> {
    await vi.waitFor(async () => expect(await said()).toContain(text), patience)
  }

  const publish = (data: string) => hub.publish([{ topic: 'news', data }])

  test.skipIf(!program)('hears each event before the next is published, whatever size it has', async () => {
    const sent: string[] = []
    for (let number = 1; number <= 6; number++) {
      const small = `짧은 소식 ${number} 🎉`
      const large = `${number} ${'긴 소식 👩‍👩‍👧, the order was shipped; '.repeat(number * 20)}`
      for (const text of [small, large]) {
        await publish(text)
        sent.push(`heard ${text}`)
        await eventually(`heard ${text}`)
      }
    }
    expect((await said()).filter(text => text.startsWith('heard'))).toEqual(sent)
    expect(hub.status.encodings['event-stream+gzip']).toEqual({ live: 2, catchingUp: 0 })
  })

  test.skipIf(!program)('hears small events that are told by what it has heard before', async () => {
    const before = hub.counters.live.bytes
    const texts = Array.from({ length: 20 }, (_, i) => `작은 소식, and the ${i}th of twenty that are much alike`)
    for (const text of texts) {
      await publish(text)
      await eventually(`heard ${text}`)
    }
    const said = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
    // By itself, none of them would be smaller.
    const toBoth = hub.counters.live.bytes - before
    expect(toBoth).toBeLessThan(1.4 * said)
  })

  test.skipIf(!program)('hears what comes together, and the largest event', async () => {
    const texts = Array.from({ length: 50 }, (_, i) => `of fifty, number ${i}`)
    await hub.publish(texts.map(data => ({ topic: 'news', data })))
    const large = '가'.repeat(87_300)
    await publish(large)
    await publish('behind the large one')
    await eventually('heard behind the large one')
    const all = await said()
    expect(all.slice(all.indexOf(`heard ${texts[0]}`))).toEqual(
      [...texts, large, 'behind the large one'].map(text => `heard ${text}`),
    )
  })

  test.skipIf(!program)('comes back from its cursor when the stream ends without a trailer', async () => {
    for (let round = 1; round <= 2; round++) {
      const before = streams.length
      const opens = (await said()).filter(text => text === 'open').length
      for (const stream of streams.splice(1)) stream.close()
      await publish(`while it was away ${round}`)
      await eventually(`heard while it was away ${round}`)
      expect(streams.length).toBe(before)
      await vi.waitFor(
        async () => expect((await said()).filter(text => text === 'open').length).toBeGreaterThan(opens),
        patience,
      )
      await publish(`after that ${round}`)
      await eventually(`heard after that ${round}`)
    }
    const heard = (await said()).filter(text => /away|after that/.test(text))
    expect(heard).toEqual([1, 2].flatMap(round => [`heard while it was away ${round}`, `heard after that ${round}`]))
  })

  test.skipIf(!program)('and fetch there reads a stream to its end', async () => {
    await publish('read')
    await vi.waitFor(
      async () => expect((await said()).filter(text => text.startsWith('read'))).toHaveLength(1),
      patience,
    )
    expect((await said()).find(text => text.startsWith('read'))).toBe('read $end, then the end')
  })
})
