import { readFile } from 'node:fs/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseSelector } from '../../src/wire/selector.js'
import { type HubOnHttp, startHub } from '../http/hub-on-http.js'
import { browserProgram } from '../support/browser.js'
import { type Chromium, startChromium, type Tab } from '../support/chromium.js'
import { clientModules, javaScript, scriptPage } from '../support/client-modules.js'
import { firefoxProgram, showInFirefox } from '../support/firefox.js'
import { eventually } from '../support/hub-page.js'
import { Random, runSeed } from '../support/random.js'

const seed = runSeed()
/** How long tabs open, close, crash and freeze; a minute is the full form. */
const sharingMs = Number(process.env['TIDINGS_SHARING_MS'] ?? 12_000)
const silenceMs = 1_500
const allTopics = ['news', 'stocks/AAPL', 'stocks/MSFT', 'chat'] as const

/** What a tab does: it listens to what its address says, and keeps what it hears. */
const tabScript = `
import { connect } from '/dist/entry/client.js'
const asked = new URLSearchParams(location.search)
const connection = connect('/events', {
  topics: asked.getAll('topic'),
  share: { silenceMs: ${silenceMs} },
  ...(asked.has('cursor') && { cursor: asked.get('cursor') }),
})
const heard = []
const states = []
connection.onState(({ state, transport, error }) => states.push([state, transport, error?.message]))
connection.on('**', ({ data }) => {
  heard.push(data)
  if (asked.has('report') && heard.length === Number(asked.get('count'))) report()
})
const report = () => fetch('/events/reports', { method: 'POST', body: JSON.stringify([asked.get('report'), connection.transport, heard]) })
Object.assign(globalThis, { connection, heard, states })
`

async function openHub(): Promise<HubOnHttp & { say(topic: string, data: string): Promise<string> }> {
  const assets = new Map(await clientModules())
  assets.set('/tab.html', scriptPage('/tab.js'))
  assets.set('/tab.js', javaScript(tabScript))
  // The same in one module.
  assets.set('/whole.html', scriptPage('/whole.js'))
  assets.set('/whole.js', javaScript(tabScript.replace('/dist/entry/client.js', '/tidings.js')))
  assets.set('/tidings.js', javaScript(await readFile(new URL('../../dist/browser/tidings.js', import.meta.url))))
  const hub = await startHub({ assets, hub: { heartbeatMs: 2_000 }, settings: { allowedHosts: ['app.example'] } })
  onTestFinished(() => hub.close())
  const say = async (topic: string, data: string) => (await hub.hub.publish([{ topic, data } as never]))[0] as string
  return { ...hub, say }
}

function tabPath(topics: readonly string[], cursor: string): string {
  return `/tab.html?cursor=${cursor}${topics.map(topic => `&topic=${encodeURIComponent(topic)}`).join('')}`
}

describe.skipIf(!browserProgram)('tabs in Chromium', () => {
  it(
    `eight hear all once over one connection while tabs open, close, crash and freeze, TIDINGS_SEED=${seed}`,
    async () => {
      const hub = await openHub()
      const chromium = await startChromium(['--disable-features=SpareRendererForSitePerProcess'])
      onTestFinished(() => chromium.close())
      const life = new TabsLife(hub, chromium, new Random(seed))
      await life.run()
    },
    sharingMs + 120_000,
  )
})

/** Loads tabs that tell by themselves what they heard, and resolves to what they told. */
async function heardIn(
  open: (urls: readonly string[]) => Promise<void>,
  hub: Awaited<ReturnType<typeof openHub>>,
  origin: string,
): Promise<readonly { readonly name: string; readonly transport: string; readonly heard: readonly string[] }[]> {
  const cursor = await hub.say('news', 'before')
  const topics = { one: ['news'], two: ['news', 'chat'], three: ['chat'] }
  const urls = Object.entries(topics).map(([name, of]) => {
    return `${origin}${tabPath(of, cursor)}&report=${name}&count=${of.length * 3}`
  })
  await open(urls)
  // One after the other becomes one of them.
  for (const data of ['1', '2', '3']) {
    await hub.say('news', `news ${data}`)
    await hub.say('chat', `chat ${data}`)
    await eventually(() => expect(hub.hub.status.subscriptions).toBe(1))
  }
  const reports = await eventually(async () => {
    const request = { selectors: [parseSelector('reports')], since: { kind: 'earliest' } } as const
    const { events } = await hub.hub.page(request, { limit: 100 })
    expect(events).toHaveLength(3)
    return events
  })
  await eventually(() => expect(hub.hub.status.subscriptions).toBe(1))
  return reports.map(({ data }) => {
    const [name, transport, heard] = JSON.parse(data)
    return { name, transport, heard }
  })
}

const news = ['news 1', 'news 2', 'news 3']
const chat = ['chat 1', 'chat 2', 'chat 3']
const both = news.flatMap((said, i) => [said, chat[i]])
const all = expect.arrayContaining([
  { name: 'one', transport: 'shared', heard: news },
  { name: 'two', transport: 'shared', heard: both },
  { name: 'three', transport: 'shared', heard: chat },
])

describe.skipIf(!firefoxProgram)('tabs in Firefox', () => {
  it('hear all once over one connection', async () => {
    const hub = await openHub()
    const open = async (urls: readonly string[]) => {
      const close = await showInFirefox(urls)
      onTestFinished(close)
    }
    expect(await heardIn(open, hub, hub.url)).toEqual(all)
  }, 60_000)
})

describe.skipIf(!browserProgram)('tabs of an origin that is not secure, where there are no Web Locks', () => {
  it.each(['tab', 'whole'])(
    'hear all once over one connection, and go on when those that led are closed or crash (%s)',
    async script => {
      const hub = await openHub()
      const chromium = await startChromium(['--host-resolver-rules=MAP app.example 127.0.0.1'])
      onTestFinished(() => chromium.close())
      const tabs: Tab[] = []
      const open = async (urls: readonly string[]) => {
        for (const url of urls) tabs.push(await chromium.open(url.replace('/tab.html', `/${script}.html`)))
      }
      expect(await heardIn(open, hub, `http://app.example:${hub.port}`)).toEqual(all)
      const [first, second, third] = tabs as [Tab, Tab, Tab]
      expect(await third.evaluate('[isSecureContext, Boolean(navigator.locks)]')).toEqual([false, false])

      await first.close()
      await hub.say('chat', 'chat 4')
      await eventually(async () => expect(await third.evaluate('heard')).toEqual([...chat, 'chat 4']))
      await eventually(() => expect(hub.hub.status.subscriptions).toBe(1))

      // With the process of a tab, the worker may die that keeps the lock.
      void second.send('Page.crash').catch(() => undefined)
      await second.close()
      await hub.say('chat', 'chat 5')
      await eventually(async () => expect(await third.evaluate('heard')).toEqual([...chat, 'chat 4', 'chat 5']))
      await eventually(() => expect(hub.hub.status.subscriptions).toBe(1))
    },
    60_000,
  )
})

describe.skipIf(!browserProgram)('a tab that leads', () => {
  it('leaves the lead to others when it is left for another page, and hears all when it is restored', async () => {
    const hub = await openHub()
    const chromium = await startChromium()
    onTestFinished(() => chromium.close())
    const cursor = await hub.say('news', 'before')
    const first = await chromium.open(hub.url + tabPath(['news'], cursor))
    await eventually(async () => expect(await first.evaluate('connection.state')).toBe('open'))
    const second = await chromium.open(hub.url + tabPath(['news'], cursor))
    await eventually(async () => expect(await second.evaluate('connection.state')).toBe('open'))
    await first.evaluate("addEventListener('pageshow', ({ persisted }) => { globalThis.isRestored = persisted })")
    await first.send('Page.bringToFront')
    await first.send('Page.navigate', { url: `${hub.url}/healthz` })
    await eventually(async () => expect(await first.evaluate('location.pathname')).toBe('/healthz'))
    await hub.say('news', 'meanwhile')
    await eventually(async () => expect(await second.evaluate('heard')).toEqual(['meanwhile']))
    await first.evaluate('history.back()')
    await eventually(async () => expect(await first.evaluate('globalThis.isRestored')).toBe(true))
    await eventually(async () => expect(await first.evaluate('heard')).toEqual(['meanwhile']))
    await hub.say('news', 'after')
    for (const tab of [first, second]) {
      await eventually(async () => expect(await tab.evaluate('heard')).toEqual(['meanwhile', 'after']))
    }
    await eventually(() => expect(hub.hub.status.subscriptions).toBe(1))
  }, 60_000)
})

interface LivingTab {
  readonly tab: Tab
  /** That renders it. */
  readonly pid: number | undefined
  readonly topics: readonly string[]
  /** How many events had been said when it was opened. */
  readonly from: number
  state: 'awake' | 'frozen' | 'stopped'
}

/** What happens to tabs, at random, and what they have to have heard. */
class TabsLife {
  readonly #hub: Awaited<ReturnType<typeof openHub>>
  readonly #chromium: Chromium
  readonly #random: Random
  readonly #said: { readonly topic: string; readonly data: string }[] = []
  #cursor = ''
  #tabs: LivingTab[] = []
  readonly #did: Record<string, number> = {}

  constructor(hub: Awaited<ReturnType<typeof openHub>>, chromium: Chromium, random: Random) {
    this.#hub = hub
    this.#chromium = chromium
    this.#random = random
  }

  async run(): Promise<void> {
    await this.#say()
    await Promise.all(Array.from({ length: 8 }, () => this.#open()))
    await this.#check()
    const end = Date.now() + sharingMs
    for (let step = 1; Date.now() < end; step++) {
      await this.#act()
      for (let i = this.#random.below(4); i >= 0; i--) await this.#say()
      if (step % 8 === 0) await this.#check()
    }
    for (const living of this.#tabs) await this.#wake(living)
    await this.#say()
    await this.#check()
    process.stdout.write(`${JSON.stringify({ ...this.#did, events: this.#said.length })}\n`)
  }

  async #act(): Promise<void> {
    const random = this.#random
    const awake = this.#tabs.filter(({ state }) => state === 'awake')
    const asleep = this.#tabs.filter(({ state }) => state !== 'awake')
    if (this.#tabs.length < 8) return await this.#open()
    const what = random.below(10)
    if (what < 3 && asleep.length > 0) return await this.#wake(random.pick(asleep))
    // Somebody has to be there to notice.
    if (awake.length < 4) return
    const living = random.pick(awake)
    if (what < 5) {
      await this.#look(living)
      await this.#remove(living, 'closed', () => living.tab.close())
    } else if (what < 7) {
      await this.#look(living)
      await this.#remove(living, 'crashed', async () => {
        // There is nobody left to answer.
        void living.tab.send('Page.crash').catch(() => undefined)
        await living.tab.close()
      })
    } else if (what < 9 || living.pid === undefined) {
      this.#count('frozen')
      await living.tab.send('Page.setWebLifecycleState', { state: 'frozen' })
      living.state = 'frozen'
    } else {
      this.#count('stopped')
      process.kill(living.pid, 'SIGSTOP')
      living.state = 'stopped'
    }
  }

  async #remove(living: LivingTab, what: string, remove: () => Promise<void>): Promise<void> {
    this.#count(what)
    this.#tabs = this.#tabs.filter(other => other !== living)
    await remove()
  }

  async #wake(living: LivingTab): Promise<void> {
    if (living.state === 'stopped') process.kill(living.pid ?? 0, 'SIGCONT')
    if (living.state === 'frozen') await living.tab.send('Page.setWebLifecycleState', { state: 'active' })
    living.state = 'awake'
  }

  async #say(): Promise<void> {
    const topic = this.#random.pick(allTopics)
    const data = `${this.#said.length + 1}`
    this.#said.push({ topic, data })
    this.#cursor = await this.#hub.say(topic, data)
  }

  async #open(): Promise<void> {
    this.#count('opened')
    const some = allTopics.filter(() => this.#random.chance(0.5))
    const topics = some.length > 0 ? some : ['news']
    const from = this.#said.length
    const before = await this.#chromium.renderers()
    const tab = await this.#chromium.open(`${this.#hub.url}${tabPath(topics, this.#cursor)}`)
    const more = (await this.#chromium.renderers()).filter(pid => !before.includes(pid))
    this.#tabs.push({ tab, pid: more.length === 1 ? more[0] : undefined, topics, from, state: 'awake' })
  }

  #owed({ from, topics }: LivingTab): string[] {
    return this.#said
      .slice(from)
      .filter(({ topic }) => topics.includes(topic))
      .map(({ data }) => data)
  }

  /** What a tab has heard so far, and nothing else. */
  async #look(living: LivingTab): Promise<void> {
    const heard = await living.tab.evaluate<string[] | undefined>('globalThis.heard')
    if (heard) expect(heard).toEqual(this.#owed(living).slice(0, heard.length))
  }

  /** All that are awake come to hear all, and there is one connection; that of a tab that was stopped is left open until its browser sees to it. */
  async #check(): Promise<void> {
    const awake = this.#tabs.filter(({ state }) => state === 'awake')
    for (const living of awake) {
      await eventually(async () => expect(await living.tab.evaluate('globalThis.heard')).toEqual(this.#owed(living)))
    }
    const stopped = this.#tabs.filter(({ state }) => state === 'stopped')
    await eventually(() => {
      const streams = this.#hub.hub.status.subscriptions
      expect(streams).toBeGreaterThanOrEqual(1)
      expect(streams).toBeLessThanOrEqual(1 + stopped.length)
    })
  }

  #count(what: string): void {
    this.#did[what] = (this.#did[what] ?? 0) + 1
  }
}
