import type { Outcome } from '../connection/receiver.js'
import type { ReceiverSettings } from '../connection/receiver-settings.js'
import type { WireEvent } from '../connection/transport.js'
import type { Group } from './group.js'
import type { Loaded } from './loaded.js'
import type { Flow, Lead, Standing } from './messages.js'

/** What a leader says, but for its term. */
export type Said =
  | Omit<Lead, 'term'>
  | ({ readonly kind: 'flow'; readonly version: number } & Flow)
  | { readonly kind: 'full'; readonly to: string }

export interface LeaderOptions {
  readonly loaded: Loaded
  readonly settings: ReceiverSettings
  readonly group: Group
  /** Its own. */
  readonly id: string
  /** Where its stream begins. */
  readonly cursor: string
  readonly say: (said: Said) => void
  /** It cannot go on: there is nothing more to hear, or the hub refuses it. */
  readonly onOver: (outcome: Outcome) => void
}

/** Hears the hub for all members. */
export interface Leader {
  /** A member is there, and wants these. */
  join(id: string, topics: readonly string[], isAsking: boolean): void
  leave(id: string): void
  /** Says how it stands. */
  tell(): void
  close(): void
}

/** As many as a hub takes. */
const maxTopics = 100
/** Many servers and proxies take no more than 8 KiB of a request's head. */
const maxUrlChars = 6_000
const maxMembers = 256
const rollMs = 30_000
/** So many times a member may be silent when all are to say that they are there. */
const maxMissed = 3

export function createLeader({ loaded, settings, group, id, cursor, say, onOver }: LeaderOptions): Leader {
  const { clock } = settings
  const members = new Map<string, { readonly topics: readonly string[]; missed: number }>()
  let topics = group.topics
  let version = 0
  let standing: Standing = 'starting'
  let why = ''
  /** The stream is asked for other topics than members want, and that is to change when it has been answered. */
  let isStale = false
  let isClosed = false
  let from = cursor
  let position = cursor
  let events: WireEvent[] = []
  let isBeat = false
  let isDue = false
  let timer: unknown

  const tell = (isRoll = false): void => say({ kind: 'lead', version, topics, at: from, standing, why, isRoll })

  const flush = (): void => {
    isDue = false
    if (isClosed) return
    const flow: Flow = { from, through: position, events, isBeat }
    from = position
    events = []
    isBeat = false
    say({ kind: 'flow', version, ...flow })
  }

  /** What comes with one chunk is said together. */
  const flushSoon = (): void => {
    if (isDue) return
    isDue = true
    queueMicrotask(() => {
      if (isDue) flush()
    })
  }

  const wanted = (more: readonly string[] = []): readonly string[] => {
    const all = [...members.values()].flatMap(member => member.topics)
    return [...new Set([...group.topics, ...all, ...more])]
  }

  /** Hears what members want, from where it is. */
  const change = (): void => {
    const all = wanted()
    isStale = false
    if (all.length === topics.length && all.every(topic => topics.includes(topic))) return
    if (isDue) flush()
    topics = all
    version++
    if (receiver.state === 'open') receiver.wake()
    tell()
  }

  const changeSoon = (): void => {
    // An attempt that is under way asks for what was wanted when it began.
    if (receiver.state === 'connecting') isStale = true
    else change()
  }

  const callRoll = (): void => {
    timer = clock.setTimeout(() => {
      for (const [member, state] of members) if (++state.missed > maxMissed) members.delete(member)
      changeSoon()
      tell(true)
      callRoll()
    }, rollMs)
  }

  const receiver = loaded.createReceiver(
    {
      ...settings,
      ...{ cursor, isHub: true, isSnapshot: false, pauseWhenHidden: false },
      transports: settings.transports.filter(name => name !== 'shared'),
      get url() {
        return group.urlOf(topics)
      },
      get onlyTopic() {
        return group.onlyOf(topics)
      },
    },
    {
      take(event, seen) {
        if (event.type === '$gap') {
          // What is missing is another thing for each member. From here on they are apart, and read for themselves.
          flush()
          from = seen
        } else if (event.type === '$cursor') {
          isBeat = true
          from ||= seen
        } else events.push(event)
        position = seen
        flushSoon()
      },
      seen: () => undefined,
      comment: () => undefined,
      room: () => undefined,
      changed({ state, error }) {
        if (isClosed || (state !== 'open' && state !== 'waiting')) return
        standing = state === 'open' ? 'open' : 'cut'
        why = error?.message ?? ''
        if (isStale) change()
        tell()
      },
      over(outcome) {
        if (isClosed) return
        if (outcome.reason === 'ended' && !events.some(({ type }) => type === '$end')) {
          events.push({ type: '$end', topic: '', id: position, data: '{}' })
          flush()
        } else if (isDue) flush()
        onOver(outcome)
      },
    },
  )
  callRoll()

  return {
    join(member, more, isAsking) {
      if (member !== id) {
        const all = wanted(more)
        const isFull = members.size >= maxMembers && !members.has(member)
        if (isFull || all.length > maxTopics || group.urlOf(all).length > maxUrlChars) {
          say({ kind: 'full', to: member })
          return
        }
        members.set(member, { topics: more, missed: 0 })
        if (!more.every(topic => topics.includes(topic))) {
          changeSoon()
          return
        }
      }
      if (isAsking) tell()
    },
    leave(member) {
      // Fewer topics are asked for at the next roll.
      members.delete(member)
    },
    tell: () => tell(),
    close() {
      isClosed = true
      clock.clearTimeout(timer)
      receiver.close()
    },
  }
}
