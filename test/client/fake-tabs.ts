import { createLockKeeper, type KeeperPort } from '../../src/client/sharing/lock-keeper.js'
import type { TabPort } from '../../src/client/sharing/platform.js'
import { type Connection, type ConnectOptions, connect, type ShareOptions } from '../../src/entry/client.js'
import { matchesAny, parseSelector, type Selector } from '../../src/wire/selector.js'
import type { Random } from '../support/random.js'
import { FakeClock, settle } from './fake-clock.js'

const epoch = 'a1'

interface Said {
  readonly offset: number
  readonly topic: string
  readonly data: string
}

interface OpenStream {
  readonly tab: FakeTab
  readonly selectors: readonly Selector[]
  readonly controller: ReadableStreamDefaultController<Uint8Array>
  /** Its reader has left, or it was told that it is cut. */
  isOver: boolean
}

/** A browser in which nothing happens by itself: its clock, the hub that its tabs ask, their locks and their channels. */
export class FakeBrowser {
  readonly clock = new FakeClock()
  readonly random: Random
  readonly log: Said[] = []
  readonly streams = new Set<OpenStream>()
  readonly tabs: FakeTab[] = []
  /** The hub is away: nothing is answered. */
  isAway = false
  pages = 0
  /** Those whose token is none any more. */
  readonly refused = new Set<FakeTab>()
  /** What the token of a tab does not let it hear. */
  readonly forbidden = new Map<FakeTab, string>()
  /** It gives no sign of life between events. */
  readonly isQuiet: boolean
  /** It has no locks of its own: workers keep them. */
  readonly isInsecure: boolean
  readonly #lines = new Map<string, LockRequest[]>()
  readonly #channels = new Set<FakeChannel>()
  /** By the URL of their script. */
  readonly #workers = new Map<string, FakeWorker>()

  constructor(random: Random, isQuiet = false, isInsecure = false) {
    this.random = random
    this.isQuiet = isQuiet
    this.isInsecure = isInsecure
    if (!isQuiet) this.#beat()
  }

  open(topics: readonly string[], options: ConnectOptions = {}): FakeTab {
    const tab = new FakeTab(this, topics, options)
    this.tabs.push(tab)
    return tab
  }

  get tail(): number {
    return this.log.length
  }

  say(topic: string, data: string): void {
    const said = { offset: this.tail + 1, topic, data }
    this.log.push(said)
    for (const stream of this.streams) if (matchesAny(stream.selectors, topic)) send(stream, toBlock(said))
  }

  /** All streams are cut off. */
  cut(): void {
    for (const stream of this.streams) this.#close(stream)
  }

  /** Of a tab that is no more. */
  forget(tab: FakeTab): void {
    for (const stream of this.streams) if (stream.tab === tab) this.streams.delete(stream)
    for (const channel of this.#channels) if (channel.tab === tab) this.#channels.delete(channel)
    for (const line of this.#lines.values())
      for (const request of line) if (request.tab === tab) this.#leave(line, request)
  }

  fetchFor(tab: FakeTab): NonNullable<ConnectOptions['fetch']> {
    return async (url, { headers, signal }) => {
      // As long as the way through a network is.
      await new Promise<void>(resolve => this.clock.setTimeout(() => tab.run(resolve), this.random.below(40)))
      if (this.isAway) throw new TypeError('The hub is away.')
      if (this.refused.has(tab)) return new Response(null, { status: 401 })
      const { searchParams } = new URL(url)
      const topics = searchParams.getAll('topic')
      if (topics.includes(this.forbidden.get(tab) ?? '')) {
        return Response.json({ code: 'not-allowed', detail: 'not this' }, { status: 403 })
      }
      const selectors = topics.map(parseSelector)
      const cursor = searchParams.get('lastEventId') ?? ''
      const since = searchParams.get('since') === 'earliest' ? 0 : this.tail
      const from = cursor === '' ? since : Number(cursor.slice(epoch.length + 1))
      const missed = this.log.filter(({ offset, topic }) => offset > from && matchesAny(selectors, topic))
      if (new Headers(headers).get('accept') === 'application/json') {
        this.pages++
        // Few events a page, so that many have more.
        const events = missed.slice(0, 5)
        const more = missed.length > events.length
        const through = more ? (events.at(-1)?.offset ?? from) : this.tail
        const answer = { events: events.map(toObject), cursor: toId(through), more, gap: null, ended: false }
        await new Promise<void>(resolve => this.clock.setTimeout(() => tab.run(resolve), this.random.below(40)))
        // Who asks without a cursor has heard nothing, whatever was answered before.
        if (!signal?.aborted && cursor === '') tab.begun = from
        return Response.json(answer)
      }
      let stream: OpenStream | undefined
      const close = (): void => {
        if (!stream) return
        stream.isOver = true
        this.streams.delete(stream)
      }
      const body = new ReadableStream<Uint8Array>({
        start: controller => {
          stream = { ...{ tab, selectors, controller }, isOver: false }
          this.streams.add(stream)
          controller.enqueue(toBeat(from))
          for (const said of missed) controller.enqueue(toBlock(said))
        },
        cancel: close,
      })
      if (signal?.aborted) close()
      signal?.addEventListener('abort', close)
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    }
  }

  /** Of its groups: channels that are open, and locks that are asked for or held. */
  get places(): number {
    return this.#channels.size + [...this.#lines.values()].flat().length
  }

  /** What another script of the origin says on all channels. */
  interject(message: unknown): void {
    for (const { name, tab } of [...this.#channels]) {
      const other = new (this.channelsFor(tab))(name)
      other.postMessage(message)
      queueMicrotask(() => other.close())
    }
  }

  locksFor(tab: FakeTab): NonNullable<ShareOptions['locks']> {
    return {
      request: (name, { signal, steal = false }, held) =>
        new Promise<void>((resolve, reject) => {
          const line = this.#lines.get(name) ?? []
          this.#lines.set(name, line)
          const request: LockRequest = {
            ...{ tab, isHeld: false },
            grant: () => {
              request.isHeld = true
              tab.run(
                () =>
                  void held()
                    .then(() => this.#leave(line, request))
                    .then(resolve),
              )
            },
            stolen: () => tab.run(() => reject(new Error('stolen'))),
          }
          signal?.addEventListener('abort', () => {
            if (request.isHeld) return
            this.#leave(line, request)
            reject(signal.reason)
          })
          if (steal) {
            line.shift()?.stolen()
            line.unshift(request)
          } else line.push(request)
          if (line[0] === request) request.grant()
        }),
    }
  }

  /** Workers that tabs share. What is said to one is heard a turn later, and so is what it says. */
  workersFor(tab: FakeTab): NonNullable<ShareOptions['SharedWorker']> {
    const workers = this.#workers
    return class {
      readonly port: { postMessage(message: unknown): void; close(): void }
      onerror: unknown

      constructor(url: string | URL) {
        const worker = workers.get(`${url}`) ?? { serve: createLockKeeper(), isOver: false }
        workers.set(`${url}`, worker)
        const far: KeeperPort = {
          onmessage: null,
          postMessage: data => queueMicrotask(() => tab.run(() => near.onmessage?.({ data }))),
        }
        const near: TabPort = {
          onmessage: null,
          postMessage: data => queueMicrotask(() => worker.isOver || far.onmessage?.({ data })),
          close() {
            near.onmessage = null
          },
        }
        worker.serve(far)
        this.port = near
      }
    }
  }

  /** Those of whom a tab crashed that they were in a process with. */
  endWorkers(): void {
    for (const worker of this.#workers.values()) worker.isOver = true
    this.#workers.clear()
  }

  channelsFor(tab: FakeTab): NonNullable<ShareOptions['BroadcastChannel']> {
    const channels = this.#channels
    return class extends FakeChannel {
      constructor(name: string) {
        super(tab, name, channels)
      }
    }
  }

  #leave(line: LockRequest[], request: LockRequest): void {
    const place = line.indexOf(request)
    if (place < 0) return
    line.splice(place, 1)
    if (place === 0) line[0]?.grant()
  }

  #close(stream: OpenStream): void {
    if (!this.streams.delete(stream)) return
    stream.tab.run(() => {
      if (!stream.isOver) stream.controller.close()
      stream.isOver = true
    })
  }

  #beat(): void {
    this.clock.setTimeout(() => {
      for (const stream of this.streams) send(stream, toBeat(this.tail))
      this.#beat()
    }, 15_000)
  }
}

interface FakeWorker {
  readonly serve: (port: KeeperPort) => void
  isOver: boolean
}

interface LockRequest {
  readonly tab: FakeTab
  isHeld: boolean
  grant(): void
  stolen(): void
}

/** A tab: what happens in it waits while it is frozen. */
export class FakeTab {
  readonly browser: FakeBrowser
  readonly topics: readonly string[]
  readonly heard: string[] = []
  readonly errors: unknown[] = []
  readonly connection: Connection
  /** Behind which offset it has begun. */
  begun: number | undefined
  isCrashed = false
  isClosed = false
  /** Its timers come late: at most one in so many milliseconds. */
  timerMs = 0
  /** What is told to it while it is frozen is lost. */
  isForgetful = false
  #held: (() => void)[] | undefined

  constructor(browser: FakeBrowser, topics: readonly string[], options: ConnectOptions) {
    this.browser = browser
    this.topics = topics
    const { clock, random } = browser
    this.connection = connect('http://hub.example/events', {
      ...{ topics, random: () => random.next() },
      fetch: browser.fetchFor(this),
      // The hub holds no polls back.
      transports: ['event-stream'],
      share: {
        BroadcastChannel: browser.channelsFor(this),
        ...(browser.isInsecure
          ? // Tabs that were opened before a new version came, and after.
            { SharedWorker: browser.workersFor(this), worker: random.pick(['/1.js', '/2.js']) }
          : { locks: browser.locksFor(this) }),
      },
      clock: {
        now: () => clock.now(),
        setTimeout: (callback, ms) => {
          const timer = { isCleared: false }
          const due = (): void => this.run(() => timer.isCleared || callback())
          clock.setTimeout(due, Math.max(ms, this.timerMs))
          return timer
        },
        clearTimeout(timer) {
          if (timer) (timer as { isCleared: boolean }).isCleared = true
        },
      },
      ...(browser.isQuiet && { silenceMs: 0 }),
      onError: error => void this.errors.push(error),
      ...options,
    })
    this.connection.on('**', ({ data }) => void this.heard.push(data))
  }

  get isFrozen(): boolean {
    return this.#held !== undefined
  }

  /** Does something in the tab, when it can. */
  run(act: () => void): void {
    if (this.isCrashed) return
    if (this.#held) this.#held.push(act)
    else act()
  }

  freeze(): void {
    this.#held ??= []
  }

  thaw(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const act of held) this.run(act)
  }

  crash(): void {
    this.isCrashed = true
    this.browser.forget(this)
  }

  close(): void {
    this.isClosed = true
    this.connection.close()
  }

  /** All that it is to have heard up to now. */
  get owed(): readonly string[] {
    const selectors = this.topics.map(parseSelector)
    const { begun, browser } = this
    if (begun === undefined) return []
    return browser.log
      .filter(({ offset, topic }) => offset > begun && matchesAny(selectors, topic))
      .map(({ data }) => data)
  }
}

class FakeChannel {
  readonly tab: FakeTab
  readonly name: string
  readonly #channels: Set<FakeChannel>
  readonly #listeners: ((event: { readonly data: unknown }) => void)[] = []

  constructor(tab: FakeTab, name: string, channels: Set<FakeChannel>) {
    this.tab = tab
    this.name = name
    this.#channels = channels
    channels.add(this)
  }

  postMessage(message: unknown): void {
    for (const channel of this.#channels) {
      if (channel === this || channel.name !== this.name) continue
      const { tab } = channel
      if (tab.isFrozen && tab.isForgetful) continue
      const data = structuredClone(message)
      // Each in its order, a turn later.
      queueMicrotask(() =>
        tab.run(() => {
          if (this.#channels.has(channel)) for (const listener of channel.#listeners) listener({ data })
        }),
      )
    }
  }

  addEventListener(_type: 'message', listener: (event: { readonly data: unknown }) => void): void {
    this.#listeners.push(listener)
  }

  close(): void {
    this.#channels.delete(this)
  }
}

function toId(offset: number): string {
  return `${epoch}-${offset}`
}

function toObject({ offset, topic, data }: Said): object {
  return { id: toId(offset), topic, time: 0, data }
}

function send(stream: OpenStream, bytes: Uint8Array): void {
  stream.tab.run(() => {
    if (!stream.isOver) stream.controller.enqueue(bytes)
  })
}

function toBeat(offset: number): Uint8Array {
  return new TextEncoder().encode(`event: $cursor\nid: ${toId(offset)}\ndata:\n\n`)
}

function toBlock({ offset, topic, data }: Said): Uint8Array {
  return new TextEncoder().encode(`id: ${toId(offset)}\ntopic: ${topic}\ndata: ${data}\n\n`)
}

export { settle }
