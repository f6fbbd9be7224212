import { readFile } from 'node:fs/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type HubOnHttp, startHub } from '../http/hub-on-http.js'
import { browserProgram } from '../support/browser.js'
import { clientModules, javaScript, scriptPage } from '../support/client-modules.js'
import { firefoxProgram } from '../support/firefox.js'
import { eventually } from '../support/hub-page.js'
import { Random, runSeed } from '../support/random.js'
import { insecureHost, type LivingTab, openChromium, openFirefox, type Sleep, type TabBrowser } from './tabs.js'
import { TabsLife } from './tabs-life.js'

const seed = runSeed()
/** How long tabs open, close, crash and sleep; a minute is the full form. */
const sharingMs = Number(process.env['TIDINGS_SHARING_MS'] ?? 8_000)
const silenceMs = 1_500

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
connection.on('**', ({ data }) => heard.push(data))
Object.assign(globalThis, { connection, heard, states })
`

interface SharedHub extends HubOnHttp {
  say(topic: string, data: string): Promise<string>
  /** For pages that are secure contexts, and for others. */
  readonly origins: { readonly secure: string; readonly insecure: string }
}

async function openHub(): Promise<SharedHub> {
  const assets = new Map(await clientModules())
  assets.set('/tab.html', scriptPage('/tab.js'))
  assets.set('/tab.js', javaScript(tabScript))
  // The same in one module.
  assets.set('/whole.html', scriptPage('/whole.js'))
  assets.set('/whole.js', javaScript(tabScript.replace('/dist/entry/client.js', '/tidings.js')))
  assets.set('/tidings.js', javaScript(await readFile(new URL('../../dist/browser/tidings.js', import.meta.url))))
  const hub = await startHub({ assets, hub: { heartbeatMs: 2_000 }, settings: { allowedHosts: [insecureHost] } })
  onTestFinished(() => hub.close())
  const say = async (topic: string, data: string) => (await hub.hub.publish([{ topic, data } as never]))[0] as string
  return { ...hub, say, origins: { secure: hub.url, insecure: `http://${insecureHost}:${hub.port}` } }
}

function tabPath(topics: readonly string[], cursor: string, script = 'tab'): string {
  return `/${script}.html?cursor=${cursor}${topics.map(topic => `&topic=${encodeURIComponent(topic)}`).join('')}`
}

const kinds = [
  ['Chromium', browserProgram, openChromium],
  ['Firefox', firefoxProgram, openFirefox],
] as const

async function openTabs(open: () => Promise<TabBrowser>): Promise<TabBrowser> {
  const browser = await open()
  onTestFinished(() => browser.close())
  return browser
}

describe.each(kinds)('tabs in %s', (kind, program, open) => {
  describe.skipIf(!program)('that share a connection', () => {
    it.each([
      ['secure', ['frozen', 'stopped', 'left']],
      // With the process of a tab, the worker would be stopped that keeps the lock.
      ['insecure', ['frozen', 'left']],
    ] as const)(
      `eight hear all once over one connection while they open, close, crash and sleep (%s), TIDINGS_SEED=${seed}`,
      async (origin, sleeps) => {
        const hub = await openHub()
        const life = new TabsLife({
          ...{ browser: await openTabs(open), random: new Random(seed), lastsMs: sharingMs, sleeps, say: hub.say },
          toUrl: (topics, cursor) => hub.origins[origin] + tabPath(topics, cursor),
          streams: () => hub.hub.status.subscriptions,
        })
        await life.run()
      },
      sharingMs + 120_000,
    )

    it.each([
      ['secure', 'tab'],
      ['insecure', 'tab'],
      ['insecure', 'whole'],
    ] as const)(
      'hear all once, and go on when those that led are closed or crash (%s, %s)',
      async (origin, script) => {
        const hub = await openHub()
        const browser = await openTabs(open)
        const cursor = await hub.say('news', 'before')
        const tabs: LivingTab[] = []
        for (const topics of [['news'], ['news', 'chat'], ['chat']]) {
          tabs.push(await browser.open(hub.origins[origin] + tabPath(topics, cursor, script)))
        }
        const [first, second, third] = tabs as [LivingTab, LivingTab, LivingTab]
        const isSecure = origin === 'secure'
        // Until its page is there, a tab has an empty one.
        await eventually(async () =>
          expect(await third.evaluate('[isSecureContext, Boolean(navigator.locks)]')).toEqual([isSecure, isSecure]),
        )
        const hears = (tab: LivingTab, all: readonly string[]) =>
          eventually(async () => expect(await tab.evaluate('heard')).toEqual(all))
        const isOne = () => eventually(() => expect(hub.hub.status.subscriptions).toBe(1))

        // One after the other becomes one of them.
        for (const n of [1, 2, 3]) {
          await hub.say('news', `news ${n}`)
          await hub.say('chat', `chat ${n}`)
          await isOne()
        }
        await hears(first, ['news 1', 'news 2', 'news 3'])
        await hears(second, ['news 1', 'chat 1', 'news 2', 'chat 2', 'news 3', 'chat 3'])
        await hears(third, ['chat 1', 'chat 2', 'chat 3'])
        for (const tab of tabs) expect(await tab.evaluate('connection.transport')).toBe('shared')
        await isOne()

        await first.close()
        await hub.say('chat', 'chat 4')
        await hears(third, ['chat 1', 'chat 2', 'chat 3', 'chat 4'])
        await isOne()

        // With the process of a tab, the worker may die that keeps the lock.
        await second.crash()
        await hub.say('chat', 'chat 5')
        await hears(third, ['chat 1', 'chat 2', 'chat 3', 'chat 4', 'chat 5'])
        await isOne()
        expect(await third.evaluate('[connection.transport, connection.statistics.repeats]')).toEqual(['shared', 0])
      },
      60_000,
    )

    it('leave the lead to others when they are left for another page, and hear all when they are restored', async () => {
      const hub = await openHub()
      const browser = await openTabs(open)
      const cursor = await hub.say('news', 'before')
      const opened: LivingTab[] = []
      for (let i = 0; i < 2; i++) {
        const tab = await browser.open(hub.origins.secure + tabPath(['news'], cursor))
        await eventually(async () => expect(await tab.evaluate('connection.state')).toBe('open'))
        opened.push(tab)
      }
      const [first, second] = opened as [LivingTab, LivingTab]
      await first.evaluate("addEventListener('pageshow', ({ persisted }) => { globalThis.isRestored = persisted })")
      const sleep = first.sleeps.find(({ name }) => name === 'left') as Sleep
      await sleep.begin()
      await hub.say('news', 'meanwhile')
      await eventually(async () => expect(await second.evaluate('heard')).toEqual(['meanwhile']))
      await sleep.end()
      // Firefox keeps no page that has a request under way or a lock when it is left: it loads it again, and so from its first cursor on.
      const isKept = kind === 'Chromium' || null
      await eventually(async () => expect(await first.evaluate('globalThis.isRestored ?? null')).toBe(isKept))
      await eventually(async () => expect(await first.evaluate('heard')).toEqual(['meanwhile']))
      await hub.say('news', 'after')
      for (const tab of opened) {
        await eventually(async () => expect(await tab.evaluate('heard')).toEqual(['meanwhile', 'after']))
      }
      await eventually(() => expect(hub.hub.status.subscriptions).toBe(1))
    }, 60_000)
  })
})
