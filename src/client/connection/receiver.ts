import { TidingsError } from '../../wire/errors.js'
import { toWaitMs } from './backoff.js'
import { type ConnectionState, type Happening, lifecycle } from './lifecycle.js'
import { watchLife } from './page-life.js'
import type { ReceiverSettings } from './receiver-settings.js'
import type { Attempt, Ending, TransportLoader, Way, WireEvent } from './transport.js'

/** How a connection ended for good. */
export interface Outcome {
  /**
   * `closed` by the application; `ended`: the topic has ended, or the server said that there is nothing more; `completed`: the last event that
   * was declared came; `failed`: see `error`.
   */
  readonly reason: 'closed' | 'ended' | 'completed' | 'failed'
  readonly error?: TidingsError | undefined
}

/** A change of a connection's state. */
export interface StateChange {
  readonly state: ConnectionState
  /** Of `connecting` and `open`: how the server is heard. */
  readonly transport: Way
  /** Of `waiting`: when the next attempt is due, in milliseconds since 1970. */
  readonly retryAt?: number | undefined
  /** Why what was there before is over, if something went wrong. */
  readonly error?: TidingsError | undefined
}

/** What a receiver has met so far. */
export interface ReceiverStatistics {
  /** Attempts to connect. */
  readonly attempts: number
  /** Those that the server answered. */
  readonly opened: number
  /** Events of publishers, each once. */
  readonly events: number
  /** Events that came again, and were dropped. */
  readonly repeats: number
  readonly gaps: number
}

/** Where a receiver's events go. None of it throws. */
export interface Outlet {
  /** An event, once, in order. `cursor` is what to come back with after it; empty: nothing. */
  take(event: WireEvent, cursor: string): void
  /** What to come back with, without an event. */
  seen(cursor: string): void
  comment(text: string): void
  /** Resolves when more can be taken; nothing: now. Until then little more comes. */
  room(): Promise<void> | undefined
  changed(change: StateChange): void
  /** Nothing comes after this. */
  over(outcome: Outcome): void
}

/** Hears a server for a set of topics, over one connection at a time, each going on where the one before it was. */
export interface Receiver {
  readonly state: ConnectionState
  readonly transport: Way
  readonly statistics: ReceiverStatistics
  /** Connects anew, at once, if it is to be connected at all. */
  wake(): void
  /** Ends it. Idempotent. */
  close(): void
}

const hubSilenceMs = 45_000
/** A token that is refused sooner than this after it was taken is as good as none. */
const shortestTokenMs = 1_000

export function createReceiver(settings: ReceiverSettings, outlet: Outlet): Receiver {
  const { clock, transports, end } = settings
  const { type: endType } = Object(end)
  const statistics = { attempts: 0, opened: 0, events: 0, repeats: 0, gaps: 0 }
  let state: ConnectionState = 'connecting'
  let { cursor, isHub } = settings
  /** Which of the transports. */
  let way = 0
  /** Since it last went well for long enough. */
  let failures = 0
  let isRenewed = false
  let retryMs = 0
  let abort = new AbortController()
  /** Of the wait for the next attempt, or of the watch for silence. */
  let timer: unknown
  let openedAt = 0
  let heardAt = 0
  let isHeld = false
  /** What comes next are the newest of each topic and key, which have no place of their own. */
  let isSnapshot = false
  let unwatch: () => void = () => undefined

  const transport = (): Way => transports[way] as Way

  const happen = (happening: Happening, error?: TidingsError, askedMs = 0): void => {
    const following = lifecycle[state][happening]
    if (following === 'stay') return
    if (following === 'never') throw new Error(happening)
    clock.clearTimeout(timer)
    if (happening !== 'opened') {
      abort.abort()
      settle()
    }
    state = following
    if (happening === 'wake') way = 0
    if (state === 'closed') unwatch()
    const retryAt =
      state === 'waiting' ? clock.now() + toWaitMs(settings, failures++, Math.max(retryMs, askedMs)) : undefined
    // Before it begins: whoever is told may close it.
    outlet.changed({ state, transport: transport(), retryAt, error })
    if (state !== following) return
    if (state === 'connecting') void connect()
    if (state === 'open') watchSilence()
    if (retryAt !== undefined) timer = clock.setTimeout(() => happen('due'), retryAt - clock.now())
  }

  /** What went well for long enough makes up for what went wrong before it. */
  const settle = (): void => {
    if (state !== 'open') return
    const lastedMs = clock.now() - openedAt
    if (lastedMs >= settings.stableMs) failures = 0
    if (lastedMs >= shortestTokenMs) isRenewed = false
  }

  const finish = (reason: Outcome['reason'], error?: TidingsError): void => {
    if (state === 'closed') return
    happen('finish', error)
    outlet.over({ reason, error })
  }

  const connect = async (): Promise<void> => {
    abort = new AbortController()
    const { signal } = abort
    statistics.attempts++
    // Nobody else speaks the others.
    isHub ||= transport() !== 'event-stream'
    expect(settings.answerMs, 'No answer came')
    let ending: Ending
    try {
      const [make, headers, kept] = await Promise.all([
        (settings.loaders[transport()] as TransportLoader)(),
        settings.headers(),
        settings.prepare?.(),
      ])
      if (signal.aborted) return
      // Tabs that share a connection may have to wait for one another.
      if (transport() === 'shared') clock.clearTimeout(timer)
      cursor = kept || cursor
      isSnapshot = settings.isSnapshot && cursor === ''
      ending = await make(toAttempt(signal, headers))
    } catch (cause) {
      ending = { kind: 'cut', why: 'The server was not reached.', cause }
    }
    if (!signal.aborted) conclude(ending)
  }

  const toAttempt = (signal: AbortSignal, headers: Record<string, string>): Attempt => {
    const unlessOver =
      <Given extends unknown[]>(hear: (...given: Given) => void) =>
      (...given: Given): void => {
        if (!signal.aborted) hear(...given)
      }
    return {
      ...{ settings, isHub, cursor, headers, signal },
      expect: unlessOver(expect),
      opened: unlessOver(opened),
      heard() {
        heardAt = clock.now()
      },
      take: unlessOver(take),
      seen: unlessOver(id => {
        // What a hub says comes with events, in an order.
        if (isHub || id === cursor) return
        cursor = id
        outlet.seen(id)
      }),
      comment: outlet.comment,
      retry(ms) {
        retryMs = ms
      },
      room() {
        const room = signal.aborted ? undefined : outlet.room()
        isHeld = room !== undefined
        return room?.then(() => {
          isHeld = false
          heardAt = clock.now()
        })
      },
    }
  }

  const expect = (ms: number, what: string): void => {
    if (state !== 'connecting') return
    clock.clearTimeout(timer)
    timer = clock.setTimeout(() => conclude({ kind: 'cut', isShut: true, why: `${what} in ${ms} ms.` }), ms)
  }

  const opened = (): void => {
    if (state !== 'connecting') return
    statistics.opened++
    openedAt = heardAt = clock.now()
    isHeld = false
    happen('opened')
  }

  const take = (event: WireEvent): void => {
    opened()
    // Whoever was told of it may have closed it.
    if (state !== 'open') return
    const { type, data, id } = event
    if (type === '$cursor') {
      isHub = true
      isSnapshot = false
      // Only a `$gap` leads back.
      give(event, isSeen(id, cursor) ? '' : id)
    } else if (type === '$gap') {
      statistics.gaps++
      give(event, id)
      // The place where it goes on is that of the picture, which is not given yet.
      isSnapshot = settings.isSnapshot && toGap(data)?.resumedAt !== id
    } else if (type === '$expired') {
      conclude({ kind: 'unauthorized', why: 'The token ran out.', wasGood: true })
    } else if (type === '$end') {
      give(event, id)
      if (data === '{"outcome":"failed"}') fail('The server failed.')
      else finish('ended')
    } else {
      if (data === end) finish('completed')
      else hear(event)
      if (type === endType) finish('completed')
    }
  }

  const hear = (event: WireEvent): void => {
    const { id } = event
    const topic = event.topic || (isHub ? settings.onlyTopic : '')
    if (isHub && !isSnapshot && isSeen(id, cursor)) statistics.repeats++
    else {
      statistics.events++
      give({ ...event, topic, id: isSnapshot ? '' : id }, isSnapshot ? cursor : id)
    }
  }

  const give = (event: WireEvent, id: string): void => {
    // At other servers, an event may take the id away.
    if (!isHub || id) cursor = id
    outlet.take(event, cursor)
  }

  const fail = (why: string, cause?: unknown): void =>
    conclude({ kind: 'refused', code: 'stream-incomplete', why, cause })

  const conclude = (ending: Ending): void => {
    const { kind } = ending
    if (kind === 'ended') finish('ended')
    else if (kind === 'again') {
      way = 0
      happen('again')
    } else {
      const { why, code, cause, isShut, askedMs } = ending
      const error = new TidingsError(code ?? (kind === 'cut' ? 'connection-lost' : kind), why, { cause })
      settle()
      if (kind === 'unauthorized' && !isRenewed && (ending.wasGood || settings.canRenew)) {
        happen('again', error)
        isRenewed = true
      } else if (isShut && transports[way + 1]) {
        way++
        happen('again', error)
      } else if (kind === 'cut' || (isShut && way > 0)) cut(error, askedMs)
      else finish('failed', error)
    }
  }

  const cut = (error: TidingsError, askedMs = 0): void => {
    if (end !== undefined && state === 'open') {
      fail('No end came.', error)
      return
    }
    // What was never open on this way may be on another.
    if (state !== 'open') way = 0
    happen('cut', error, askedMs)
  }

  const watchSilence = (): void => {
    const mostMs = settings.silenceMs ?? (isHub ? hubSilenceMs : 0)
    // Looked at again later: what answers may turn out to be a hub.
    const leftMs = mostMs > 0 && !isHeld ? heardAt + mostMs - clock.now() : mostMs || hubSilenceMs
    if (leftMs > 0) timer = clock.setTimeout(watchSilence, leftMs)
    else conclude({ kind: 'cut', why: `Nothing came in ${mostMs} ms.` })
  }

  unwatch = watchLife(settings.life, clock, settings.pauseWhenHidden, happen)
  // Unless the page is hidden, and it waits for that to change.
  if (state === 'connecting') void connect()

  return {
    get state() {
      return state
    },
    get transport() {
      return transport()
    },
    statistics,
    wake: () => happen('wake'),
    close: () => finish('closed'),
  }
}

/** Whether the cursor is at `id` or beyond it, in the same history. */
function isSeen(id: string, cursor: string): boolean {
  const [epoch, offset] = id.split('-')
  const [history, seen] = cursor.split('-')
  return epoch === history && Number(offset) <= Number(seen)
}

/** What the data of a `$gap` say; nothing if they say nothing. */
export function toGap(data: string): Gap | undefined {
  try {
    return JSON.parse(data)
  } catch {
    // Of a server that says something else by that name.
    return undefined
  }
}

/** That events which were asked for may be missing. */
export interface Gap {
  /** `trimmed`: no longer kept; `unknown`: the cursor is none of this hub's; `rewound`: the log lost what the cursor has seen. */
  readonly reason: 'trimmed' | 'unknown' | 'rewound'
  /** The cursor as it came. */
  readonly requested: string
  /** Where it goes on. */
  readonly resumedAt: string
}
