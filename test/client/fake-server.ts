import { createReceiver, type Outcome, type Receiver, type StateChange } from '../../src/client/connection/receiver.js'
import type { ReceiverSettings } from '../../src/client/connection/receiver-settings.js'
import type { Attempt, Ending, Transport, Way, WireEvent } from '../../src/client/connection/transport.js'
import { FakeClock } from './fake-clock.js'

/** An attempt that the test answers. */
export interface FakeAttempt {
  readonly transport: Way
  readonly attempt: Attempt
  readonly at: number
  end(ending: Ending): void
}

/** A receiver whose attempts the test answers, with a clock that the test moves. */
export class FakeConnection {
  readonly clock = new FakeClock()
  readonly attempts: FakeAttempt[] = []
  readonly taken: { readonly event: WireEvent; readonly cursor: string }[] = []
  /** Cursors that came without an event. */
  readonly seen: string[] = []
  readonly changes: StateChange[] = []
  readonly outcomes: Outcome[] = []
  /** How long it was to wait, each time. */
  readonly waits: number[] = []
  room: Promise<void> | undefined
  readonly life = new FakePage()
  readonly receiver: Receiver

  constructor(settings: Partial<ReceiverSettings> = {}) {
    this.receiver = createReceiver(
      {
        url: 'http://hub.example/events',
        method: 'GET',
        body: undefined,
        withCredentials: false,
        headers: async () => ({}),
        canRenew: false,
        cursor: '',
        isHub: true,
        isSnapshot: false,
        onlyTopic: '',
        end: undefined,
        transports: ['event-stream'],
        loaders: {
          'event-stream': () => this.#transport('event-stream'),
          'long-poll': () => this.#transport('long-poll'),
          websocket: () => this.#transport('websocket'),
          shared: () => this.#transport('shared'),
        },
        backoffMs: 1_000,
        maxBackoffMs: 30_000,
        stableMs: 10_000,
        silenceMs: undefined,
        answerMs: 15_000,
        firstBlockMs: 5_000,
        maxEventChars: 1_000,
        pauseWhenHidden: false,
        life: this.life,
        fetch: undefined,
        WebSocket: undefined,
        clock: this.clock,
        random: () => 0.5,
        ...settings,
      },
      {
        take: (event, cursor) => void this.taken.push({ event, cursor }),
        seen: cursor => void this.seen.push(cursor),
        comment: () => undefined,
        room: () => this.room,
        changed: change => {
          this.changes.push(change)
          if (change.state === 'waiting') this.waits.push((change.retryAt ?? Number.NaN) - this.clock.now())
        },
        over: outcome => void this.outcomes.push(outcome),
      },
    )
  }

  #transport =
    (transport: Way): Transport =>
    attempt =>
      new Promise(resolve => {
        this.attempts.push({ transport, attempt, at: this.clock.now(), end: resolve })
      })

  /** The attempt that is under way or open. */
  get current(): FakeAttempt | undefined {
    return this.attempts.find(({ attempt }) => !attempt.signal.aborted)
  }

  get states(): readonly string[] {
    return this.changes.map(({ state }) => state)
  }

  cut(askedMs?: number): void {
    this.current?.end({ kind: 'cut', why: 'cut', askedMs })
  }
}

/** What a page tells. */
export class FakePage extends EventTarget {
  readonly document = Object.assign(new EventTarget(), { visibilityState: 'visible' })

  tell(type: string, members: object = {}): void {
    this.dispatchEvent(Object.assign(new Event(type), members))
  }

  show(isVisible: boolean): void {
    this.document.visibilityState = isVisible ? 'visible' : 'hidden'
    this.document.dispatchEvent(new Event('visibilitychange'))
  }
}

export function event(data: string, id = '', type = 'message'): WireEvent {
  return { type, topic: '', id, data }
}
