import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { Beginning, Subscription } from '../../hub/hub.js'
import type { Since, SubscribeRequest } from '../../hub/request.js'
import { parsePosition } from '../../wire/names.js'
import { matches, type Selector } from '../../wire/selector.js'
import type { Caller } from '../access.js'
import { isReportable, toCode, toDetail } from '../problem.js'
import { overloaded, requestCost } from '../publisher.js'
import { parseSince } from '../since.js'
import { giveTo, grantTo, type Tenant } from '../sinks/held-sockets.js'
import type { Surface } from '../surface.js'
import { BadCommand, type Command, type Ref, readCommand, tooMany } from './command.js'
import { closeCodes, toTextFrame, webSocketEncoding } from './frames.js'
import { tellHistory } from './history.js'
import { Lane, type Way } from './lane.js'

/** What of a connection's answers and events may wait for its reader before nothing more is read of it. */
const maxUnreadBytes = 256 * 1024
/** Messages of one connection that are being seen to. */
const maxCommands = 64

interface Heard {
  readonly selector: Selector
  /** Nothing: it is not known yet, or not all was given. */
  from: number | undefined
}

/**
 * A WebSocket: one subscription at a time, of all that was subscribed to, from one cursor; and what its client publishes.
 *
 * Events go to the socket itself, as frames that all share; `ws` reads what comes, and speaks of itself (pings, closing).
 * A reader that stops is given nothing more, and what it sends is not read.
 */
export class WebSocketConnection implements Tenant, Way {
  readonly #surface: Surface
  readonly #socket: Socket
  readonly #webSocket: WebSocket
  readonly #caller: Caller
  readonly #conflateMs: number | undefined
  /** What is subscribed to, each with the offset after which all of it was given. */
  readonly #selectors = new Map<string, Heard>()
  readonly #gone = new AbortController()
  #lane: Lane | undefined
  #subscription: Subscription | undefined
  /** All up to here was given, while no subscription is there. */
  #cursor: string | undefined
  #turn: Promise<void> = Promise.resolve()
  #commands = 0
  #isHolding = false
  #isClosing = false
  #onRoom: (() => void) | undefined
  /** Something has come since it was last asked for a sign of life. */
  isHeard = true

  constructor(surface: Surface, socket: Socket, webSocket: WebSocket, caller: Caller, conflateMs: number | undefined) {
    this.#surface = surface
    this.#socket = socket
    this.#webSocket = webSocket
    this.#caller = caller
    this.#conflateMs = conflateMs
    giveTo(socket, this)
    webSocket.on('message', (data, isBinary) => this.#hear(data as Buffer, isBinary))
    webSocket.on('pong', () => {
      this.isHeard = true
    })
    // What it was is in the close code that `ws` answers with.
    webSocket.on('error', () => undefined)
  }

  /** Begins with what the request asked for. */
  begin(beginning: Beginning, { selectors }: SubscribeRequest): void {
    for (const selector of selectors) this.#selectors.set(selector.text, { selector, from: undefined })
    this.#attach(beginning)
  }

  /** Says why, and ends. Whoever does not answer that is cut off by `ws`. */
  close(code: number, reason: string): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#leave()
    this.#webSocket.close(code, reason)
  }

  /** Asks for a sign of life. Whoever holds bytes back is watched for that already. */
  ping(): void {
    if (this.#isClosing || this.#socket.writableLength > 0) return
    if (this.isHeard) this.#webSocket.ping()
    else this.destroy()
    this.isHeard = false
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isClosing || !this.#socket.writable) return true
    // Once it holds bytes back it does so until 'drain', whatever a later write answers.
    if (!this.#socket.write(bytes) && this.#socket.writableLength > 0) this.#isHolding = true
    return !this.#isHolding
  }

  laneEnded(): void {
    if (this.#surface.pipeline.isClosing) this.close(closeCodes.draining, 'The hub drains; come back.')
    else this.close(closeCodes.ended, 'The topic has ended.')
  }

  destroy(): void {
    this.#socket.destroy()
  }

  watchStall(ms: number): void {
    this.#socket.setTimeout(ms)
  }

  onDrain(): void {
    if (this.#isHolding) {
      this.#isHolding = false
      this.#lane?.drained()
    }
    this.#onRoom?.()
    this.#readOn()
  }

  onTimeout(): void {
    if (this.#lane) this.#lane.stalled()
    else this.destroy()
  }

  onClose(): void {
    this.#isClosing = true
    this.#gone.abort()
    this.#onRoom?.()
    this.#lane?.closed()
    this.#surface.webSockets.forget(this)
  }

  get #heard(): readonly Selector[] {
    return [...this.#selectors.values()].map(({ selector }) => selector)
  }

  #hear(data: Buffer, isBinary: boolean): void {
    this.isHeard = true
    if (this.#isClosing) return
    if (isBinary) {
      this.close(closeCodes.unsupported, 'Messages are text.')
      return
    }
    const { publisher, settings, observer } = this.#surface
    const { limits } = settings
    let command: Command
    try {
      command = readCommand(data.toString(), limits)
    } catch (error) {
      if (!(error instanceof BadCommand)) throw error
      this.#refuse(error.cause, error.ref)
      return
    }
    const { ref } = command
    const cost = requestCost + data.length
    this.#commands++
    if (command.kind === 'publish') observer.publishing()
    const isCounted = publisher.inFlight.take(cost)
    const done = isCounted ? this.#obey(command) : Promise.reject(overloaded())
    void done
      .then(
        answer => this.#answer({ ref, ...answer }),
        error => this.#refuse(error, ref, command.kind === 'publish' ? 'publish' : 'read'),
      )
      .finally(() => {
        if (isCounted) publisher.inFlight.give(cost)
        this.#commands--
        this.#readOn()
      })
    if (this.#commands >= maxCommands || this.#socket.writableLength > maxUnreadBytes) this.#webSocket.pause()
  }

  #readOn(): void {
    const isAhead = this.#commands >= maxCommands || this.#socket.writableLength > maxUnreadBytes
    if (this.#webSocket.isPaused && !isAhead) this.#webSocket.resume()
  }

  async #obey(command: Command): Promise<object> {
    const { access, hub } = this.#surface
    const caller = access.again(this.#caller)
    access.requireTrusted(caller)
    if (command.kind === 'publish') {
      const [id] = await hub.publish([command.event])
      return { id }
    }
    await this.#inTurn(() => (command.kind === 'subscribe' ? this.#add(command) : this.#remove(command.selectors)))
    return { ok: true }
  }

  /** One after the other, in the order in which they were asked for. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    const acted = this.#turn.then(act)
    this.#turn = acted.catch(() => undefined)
    return acted
  }

  async #add({ selectors, since: text }: Command & { kind: 'subscribe' }): Promise<void> {
    const { access, settings } = this.#surface
    const fresh = selectors.filter(selector => !this.#selectors.has(selector.text))
    access.requireReader(access.again(this.#caller), fresh)
    const { maxSelectors } = settings.limits
    if (this.#selectors.size + fresh.length > maxSelectors) throw tooMany(maxSelectors)
    const since = text === undefined ? undefined : parseSince(text, Date.now())
    if (fresh.length === 0 || this.#isClosing) return
    if (this.#selectors.size === 0) {
      for (const selector of fresh) this.#selectors.set(selector.text, { selector, from: undefined })
      await this.#subscribe({ since })
      return
    }
    const cursor = this.#leave()
    try {
      const from = since && since.kind !== 'now' ? await this.#tellHistory(fresh, since, cursor) : undefined
      for (const selector of fresh) this.#selectors.set(selector.text, { selector, from })
    } finally {
      // Also after what failed: what was heard before is heard on.
      await this.#goOn(cursor)
    }
  }

  /** What the log has of `selectors` up to where the subscription was left. From which offset on that was all. */
  async #tellHistory(
    selectors: readonly Selector[],
    since: Since,
    cursor: string | undefined,
  ): Promise<number | undefined> {
    const end = parsePosition(cursor ?? '')
    if (!end) return undefined
    return tellHistory(
      this.#surface.hub,
      { selectors, since, end, isHeard: (topic, offset) => this.#isHeardAt(topic, offset) },
      { write: frame => this.#writeAndWait(frame), signal: this.#gone.signal },
    )
  }

  async #remove(selectors: readonly Selector[]): Promise<void> {
    if (!selectors.some(({ text }) => this.#selectors.has(text)) || this.#isClosing) return
    const cursor = this.#leave()
    for (const { text } of selectors) this.#selectors.delete(text)
    if (this.#selectors.size > 0) await this.#goOn(cursor)
  }

  /** Goes on after `cursor` with what is subscribed to now. Without one, the newest of each are asked for again. */
  #goOn(cursor: string | undefined): Promise<void> {
    return this.#subscribe(cursor === undefined ? { since: { kind: 'latest' } } : { cursor })
  }

  /** Whether an event of the past was given already, for what was subscribed to then. */
  #isHeardAt(topic: string, offset: number): boolean {
    for (const { selector, from } of this.#selectors.values()) {
      if (from !== undefined && offset > from && matches(selector, topic)) return true
    }
    return false
  }

  async #subscribe(where: Pick<SubscribeRequest, 'cursor' | 'since'>): Promise<void> {
    try {
      const beginning = await this.#surface.hub.begin({
        ...{ selectors: this.#heard, encoding: webSocketEncoding, conflateMs: this.#conflateMs },
        ...where,
      })
      this.#attach(beginning)
    } catch (error) {
      // Nothing is heard from here on: its client comes back by the cursor that it has.
      this.close(closeCodes.tryAgain, 'The subscription cannot go on now; come back.')
      throw error
    }
  }

  #attach(beginning: Beginning): void {
    if (this.#isClosing) return
    if (beginning.kind === 'ended') {
      this.close(closeCodes.ended, 'The topic has ended.')
      return
    }
    this.#lane = new Lane(this)
    this.#subscription = this.#surface.hub.attach(beginning, this.#lane)
    const from = parsePosition(this.#subscription.position ?? '')?.offset
    for (const heard of this.#selectors.values()) heard.from ??= from
    if (this.#caller.kind !== 'listed') return
    const close = (): void => this.close(closeCodes.notAllowed, 'This may not be heard any more.')
    grantTo(this.#socket, { caller: this.#caller, selectors: this.#heard, stream: { close } })
  }

  /** Leaves the subscription; where it had come to. */
  #leave(): string | undefined {
    const subscription = this.#subscription
    if (subscription) {
      this.#cursor = subscription.position
      this.#lane?.leave()
      subscription.close()
      this.#lane = undefined
      this.#subscription = undefined
    }
    return this.#cursor
  }

  async #writeAndWait(frame: Uint8Array): Promise<void> {
    if (this.write(frame)) return
    this.watchStall(this.#surface.settings.limits.writeTimeoutMs)
    await new Promise<void>(resolve => {
      this.#onRoom = resolve
    })
    this.#onRoom = undefined
    this.watchStall(0)
  }

  #refuse(error: unknown, ref: Ref, operation: 'publish' | 'read' | 'other' = 'other'): void {
    const { observer, report } = this.#surface
    observer.refused(operation, toCode(error))
    if (isReportable(error)) report('A message of a WebSocket failed.', error)
    this.#answer({ ref, error: { code: toCode(error), detail: toDetail(error) } })
  }

  #answer(answer: object): void {
    this.write(toTextFrame(JSON.stringify(answer)))
  }
}
