import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import WebSocket from 'ws'
import { browserProgram } from './browser.js'
import { run } from './command-line.js'

/** Chromium without anybody between: its tabs are hidden, frozen and crashed as a browser does it. */
export interface Chromium {
  /** Opens a tab. */
  open(url: string): Promise<Tab>
  /** The processes that render pages. */
  renderers(): Promise<readonly number[]>
  close(): Promise<void>
}

/** A tab of it. */
export interface Tab {
  send(method: string, parameters?: object): Promise<Record<string, unknown>>
  /** What an expression comes to, as JSON. */
  evaluate<T>(expression: string): Promise<T>
  /** Rejects if its process does not come to it. */
  close(): Promise<void>
}

interface Waiting {
  readonly resolve: (result: Record<string, unknown>) => void
  readonly reject: (error: Error) => void
}

/** Starts it with a new profile, and further `args` of its own. */
export async function startChromium(args: readonly string[] = []): Promise<Chromium> {
  if (!browserProgram) throw new Error('There is no browser.')
  const profile = await mkdtemp(join(tmpdir(), 'tidings-chromium-'))
  const options = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--remote-debugging-port=0']
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync']
  const program = run(
    browserProgram,
    [...options, ...quiet, `--user-data-dir=${profile}`, ...args, 'about:blank'],
    profile,
  )
  const [, address = ''] = await program.until(/^DevTools listening on (ws:\S+)$/m)
  const socket = new WebSocket(address)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const waiting = new Map<number, Waiting>()
  let count = 0
  socket.on('message', message => {
    const { id, result, error } = JSON.parse(String(message))
    const asked = waiting.get(id)
    waiting.delete(id)
    if (error) asked?.reject(new Error(error.message))
    else asked?.resolve(result)
  })
  const send = (method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> =>
    new Promise((resolve, reject) => {
      waiting.set(++count, { resolve, reject })
      socket.send(JSON.stringify({ id: count, method, params, sessionId }))
    })
  return {
    async open(url) {
      const { targetId } = await send('Target.createTarget', { url })
      const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true })
      return {
        send: (method, parameters) => send(method, parameters, String(sessionId)),
        async evaluate(expression) {
          const asked = { expression, returnByValue: true, awaitPromise: true }
          const { result, exceptionDetails } = (await send('Runtime.evaluate', asked, String(sessionId))) as {
            readonly result: { readonly value: never }
            readonly exceptionDetails?: object
          }
          if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails))
          return result.value
        },
        close: async () => void (await send('Target.closeTarget', { targetId })),
      }
    },
    async renderers() {
      const { processInfo } = (await send('SystemInfo.getProcessInfo')) as {
        readonly processInfo: readonly { readonly type: string; readonly id: number }[]
      }
      return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
    },
    async close() {
      socket.close()
      program.signalAll('SIGKILL')
      await program.ended
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
