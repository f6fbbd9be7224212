import WebSocket from 'ws'
import { runFirefox } from './firefox.js'

/** Firefox, asked by WebDriver BiDi, which it speaks itself. */
export interface Firefox {
  /** Opens a tab. */
  open(url: string): Promise<FirefoxTab>
  close(): Promise<void>
}

/** A tab of it. */
export interface FirefoxTab {
  /** What an expression comes to, as JSON. */
  evaluate<T>(expression: string): Promise<T>
  /** Leaves the page for another one, or for the one before it. */
  navigate(url: string): Promise<void>
  back(): Promise<void>
  /** Of the process that renders it. */
  pid(): Promise<number>
  close(): Promise<void>
}

type Result = Record<string, unknown>

/** Where `host` is the machine itself, and no secure context, with a process for each tab. */
export async function startFirefox(host: string): Promise<Firefox> {
  const args = ['--remote-allow-system-access', '--remote-debugging-port=0']
  const { firefox, close } = await runFirefox(args, {
    'network.dns.localDomains': host,
    'dom.ipc.processCount.webIsolated': 16,
  })
  const [, address] = await firefox.until(/^WebDriver BiDi listening on (ws:\S+)$/m)
  const socket = new WebSocket(`${address}/session`)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const waiting = new Map<number, (answer: { readonly result?: Result; readonly message?: string }) => void>()
  let count = 0
  socket.on('message', message => {
    const answer = JSON.parse(String(message))
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })
  const send = (method: string, params: object): Promise<Result> =>
    new Promise((resolve, reject) => {
      waiting.set(++count, ({ result, message }) => (result ? resolve(result) : reject(new Error(message))))
      socket.send(JSON.stringify({ id: count, method, params }))
    })
  const evaluate = async <T>(context: unknown, expression: string): Promise<T> => {
    const { result } = (await send('script.evaluate', {
      expression: `(async () => JSON.stringify([await (${expression})]))()`,
      target: { context },
      awaitPromise: true,
    })) as { readonly result?: { readonly value: string } }
    if (!result) throw new Error(`Nothing came of ${expression}.`)
    return JSON.parse(result.value)[0]
  }
  await send('session.new', { capabilities: {} })
  const { contexts } = (await send('browsingContext.getTree', { 'moz:scope': 'chrome' })) as {
    readonly contexts: readonly [{ readonly context: string }]
  }
  const [{ context: frame }] = contexts
  return {
    async open(url) {
      const { context } = await send('browsingContext.create', { type: 'tab', background: true })
      await send('browsingContext.navigate', { context, url, wait: 'interactive' })
      // The last of them.
      const id = await evaluate(frame, 'gBrowser.browsers.at(-1).browserId')
      return {
        evaluate: expression => evaluate(context, expression),
        navigate: async to => void (await send('browsingContext.navigate', { context, url: to, wait: 'interactive' })),
        back: async () => void (await send('browsingContext.traverseHistory', { context, delta: -1 })),
        pid: () =>
          evaluate(
            frame,
            `gBrowser.browsers.find(({ browserId }) => browserId === ${id}).browsingContext.currentWindowGlobal.osPid`,
          ),
        close: async () => void (await send('browsingContext.close', { context })),
      }
    },
    async close() {
      socket.close()
      await close()
    },
  }
}
