import { type Chromium, startChromium, type Tab } from '../support/chromium.js'
import { type FirefoxTab, startFirefox } from '../support/firefox-tabs.js'
import { eventually } from '../support/hub-page.js'

/** A name of this machine whose pages are no secure contexts, unlike those of loopback addresses. */
export const insecureHost = 'app.example'

/** A browser whose tabs befall what befalls tabs. */
export interface TabBrowser {
  open(url: string): Promise<LivingTab>
  close(): Promise<void>
}

export interface LivingTab {
  /** What an expression comes to, as JSON. */
  evaluate<T>(expression: string): Promise<T>
  close(): Promise<void>
  /** Its process is gone from one moment to the next. */
  crash(): Promise<void>
  /** What may keep it from everything for a while. */
  readonly sleeps: readonly Sleep[]
}

export interface Sleep {
  readonly name: 'frozen' | 'stopped' | 'left'
  begin(): Promise<void>
  end(): Promise<void>
}

export async function openChromium(): Promise<TabBrowser> {
  const args = [`--host-resolver-rules=MAP ${insecureHost} 127.0.0.1`]
  const chromium = await startChromium([...args, '--disable-features=SpareRendererForSitePerProcess'])
  return {
    open: async url => {
      const before = await chromium.renderers()
      const tab = await chromium.open(url)
      const pid = await newRenderer(chromium, before)
      const lifecycle = (state: string) => async () => void (await tab.send('Page.setWebLifecycleState', { state }))
      return {
        ...tab,
        async crash() {
          // There is nobody left to answer.
          void tab.send('Page.crash').catch(() => undefined)
          await tab.close()
        },
        sleeps: [
          { name: 'frozen', begin: lifecycle('frozen'), end: lifecycle('active') },
          ...(pid === undefined ? [] : [stopped(pid)]),
          left(tab, url, {
            navigate: to => tab.send('Page.navigate', { url: to }),
            back: () => tab.evaluate('history.back()'),
          }),
        ],
      }
    },
    close: chromium.close,
  }
}

/** Nothing: it is not known which one. */
async function newRenderer(chromium: Chromium, before: readonly number[]): Promise<number | undefined> {
  const [pid, ...others] = (await chromium.renderers()).filter(one => !before.includes(one))
  return others.length > 0 ? undefined : pid
}

export async function openFirefox(): Promise<TabBrowser> {
  const firefox = await startFirefox(insecureHost)
  return {
    async open(url) {
      const tab = await firefox.open(url)
      const pid = await tab.pid()
      return {
        ...tab,
        async crash() {
          process.kill(await tab.pid(), 'SIGKILL')
          await tab.close()
        },
        sleeps: [stopped(pid), left(tab, url, tab)],
      }
    },
    close: firefox.close,
  }
}

function stopped(pid: number): Sleep {
  const signal = (name: NodeJS.Signals) => async () => void process.kill(pid, name)
  return { name: 'stopped', begin: signal('SIGSTOP'), end: signal('SIGCONT') }
}

/** Another page is shown in it; its own is kept, if its browser does so, and restored. */
function left(
  { evaluate }: Pick<Tab | FirefoxTab, 'evaluate'>,
  url: string,
  { navigate, back }: { navigate(to: string): Promise<unknown>; back(): Promise<unknown> },
): Sleep {
  const isAt = (path: string) =>
    eventually(async () => {
      if ((await evaluate(`document.readyState === 'complete' && location.pathname`)) !== path)
        throw new Error('It is not there yet.')
    })
  return {
    name: 'left',
    async begin() {
      // What has not come yet would be replaced, and never be come back to.
      await isAt(new URL(url).pathname)
      await navigate(new URL('/healthz', url).href)
      await isAt('/healthz')
    },
    async end() {
      await back()
      await isAt(new URL(url).pathname)
    },
  }
}
