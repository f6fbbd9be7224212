import type { Clock } from '../connection/clock.js'
import type { ConnectionState } from '../connection/lifecycle.js'
import type { ReceiverSettings } from '../connection/receiver-settings.js'
import type { Attempt, Ending, Transport } from '../connection/transport.js'
import { toGroup } from './group.js'
import { createLeader, type Leader, type Said } from './leader.js'
import type { Loaded } from './loaded.js'
import { createMember } from './member.js'
import { isNewer, type Lead, type Message, type Term } from './messages.js'
import type { Locks, ShareOptions, TabChannel, TabChannelClass, TabWorkerClass } from './platform.js'
import { createWorkerLocks } from './worker-locks.js'

export interface SeatSettings extends ReceiverSettings {
  readonly share?: boolean | ShareOptions | undefined
}

/** The place of a connection in its group. */
export interface Seat {
  /** Hears the hub by way of the group. Where there can be no group, it is unable. */
  readonly transport: Transport
  /** Its connection has changed. One that has let go is in no group, and holds nothing that others wait for, until its next attempt. */
  changed(state: ConnectionState): void
}

const unable = {
  kind: 'refused',
  isShut: true,
  why: 'Tabs cannot share a connection here.',
  code: 'connection-lost',
} as const

/** In each quarter of the time in which the leader may be silent it is asked how it stands, if it said nothing. */
const asksInSilence = 4

export function createSeat(
  settings: SeatSettings,
  ...given: [Loaded['readPage'], Loaded['takePage'], Loaded['createReceiver'], Loaded['toMatch']]
): Seat {
  const [readPage, takePage, createReceiver, toMatch] = given
  const loaded: Loaded = { readPage, takePage, createReceiver, toMatch }
  const { clock, random, life } = settings
  const share: ShareOptions = Object(settings.share)
  const stepMs = (share.silenceMs ?? 10_000) / asksInSilence
  const group = toGroup(settings, share.name)
  const id = `${random().toString(36).slice(2)}-${random().toString(36).slice(2)}`
  const member = createMember({ loaded, clock, group, onAdmitted: () => enter() })
  let locks: Locks | undefined
  /** Whether they are a worker's. */
  let isKept = false
  let channel: TabChannel | undefined
  let term: Term = { number: 0, id: '' }
  /** How the leader of this term stands. */
  let lead: Lead | undefined
  let leader: Leader | undefined
  /** Gives the lock back. */
  let release: () => void = () => undefined
  /** Of the request for the lock that counts. */
  let request: AbortController | undefined
  let heardAt = 0
  let asks = 0
  let isAsked = false
  let timer: unknown

  const post = (message: Message): void => {
    channel?.postMessage(message)
    hear(message)
  }

  const join = (isAsking: boolean): void => {
    if (isAsking) isAsked = true
    post({ kind: 'join', id, term, topics: group.topics, isAsking })
  }

  const hear = (message: Message): void => {
    if (!channel) return
    switch (message.kind) {
      case 'join':
        // A leader that knew less than its members begins another term; one that is no leader any more is told so by its lock.
        if (leader && isNewer(message.term, term)) {
          term = toNext(message.term)
          leader.tell()
        }
        leader?.join(message.id, message.topics, message.isAsking)
        break
      case 'leave':
        leader?.leave(message.id)
        if (message.id === term.id && !leader) queue(false)
        break
      case 'lead':
      case 'flow':
      case 'full':
        if (isNewer(term, message.term)) {
          if (message.kind === 'lead') join(false)
          return
        }
        hearLeader(message)
    }
  }

  const hearLeader = (message: Exclude<Message, { readonly kind: 'join' | 'leave' }>): void => {
    if (isNewer(message.term, term)) {
      term = message.term
      lead = undefined
      if (leader) {
        stopLeading()
        // Where a worker keeps the lock, two that lead may have one each, of two workers: this one waits until the other is silent or gone.
        if (!isKept) queue(false)
      }
    }
    heardAt = clock.now()
    asks = 0
    member.heard()
    if (message.kind === 'full') {
      if (message.to === id) {
        leave()
        member.end({
          kind: 'cut',
          isShut: true,
          why: 'The tabs that share the connection have as many topics as there may be.',
        })
      }
      return
    }
    if (message.kind === 'flow') {
      if (lead?.version === message.version) {
        if (isHeardBy(lead)) member.push(message)
      } else if (!isAsked) join(true)
      return
    }
    lead = message
    isAsked = false
    if (isHeardBy(message)) {
      member.push({ from: message.at, through: message.at, events: [], isBeat: false })
      if (message.standing === 'open') member.opened()
      if (message.standing === 'cut') member.cut(message.why)
      if (message.isRoll && !leader) join(false)
    } else join(true)
  }

  const isHeardBy = ({ topics }: Lead): boolean => group.topics.every(topic => topics.includes(topic))

  const toNext = ({ number }: Term): Term => ({ number: Math.max(number + 1, clock.now()), id })

  const startLeading = (): void => {
    term = toNext(term)
    leader = createLeader({
      ...{ loaded, settings, group, id, cursor: member.tail },
      say: (said: Said) => post({ ...said, term }),
      onOver({ reason, error }) {
        if (reason === 'ended') {
          stopLeading()
          return
        }
        leave()
        const { code, message: why = '', cause } = error ?? {}
        // What it may not hear for others, or broke on theirs, says nothing of its own: it hears that for itself, from where it is.
        member.end(code === 'unauthorized' ? { kind: code, why } : { kind: 'cut', isShut: true, why, code, cause })
      },
    })
    leader.tell()
  }

  const stopLeading = (): void => {
    leader?.close()
    leader = undefined
    request = undefined
    release()
  }

  /** Asks for the lock: in its turn, or at once. */
  const queue = (isStealing: boolean): void => {
    request?.abort()
    const mine = new AbortController()
    request = mine
    let isHeld = false
    const hold = (): Promise<void> =>
      new Promise(resolve => {
        if (request !== mine) {
          resolve()
          return
        }
        isHeld = true
        release = resolve
        startLeading()
      })
    const asked = locks?.request(group.name, isStealing ? { steal: true } : { signal: mine.signal }, hold)
    void asked?.then(undefined, (cause: unknown) => {
      if (request !== mine) return
      if (isHeld) {
        // Another one has stolen it. What this one says from now on is of an old term.
        stopLeading()
        queue(false)
      } else if (isStealing) queue(false)
      else giveUp(cause)
    })
  }

  const giveUp = (cause: unknown): void => {
    leave()
    member.end({ ...unable, cause })
  }

  const watch = (): void => {
    timer = clock.setTimeout(
      () => {
        watch()
        isAsked = false
        if (leader || clock.now() - heardAt < stepMs) return
        if (++asks < asksInSilence) join(true)
        else {
          asks = 0
          queue(true)
        }
      },
      // Not all at once.
      stepMs * (1 + random() / asksInSilence),
    )
  }

  const enter = (): void => {
    if (!channel) {
      const Channel = (share.BroadcastChannel ?? globalThis.BroadcastChannel) as TabChannelClass
      let mine: TabChannel
      try {
        mine = new Channel(group.name)
      } catch (cause) {
        // Browsers that keep nothing for a page, as in a frame without an origin, may have the class and not make one.
        giveUp(cause)
        return
      }
      channel = mine
      mine.addEventListener('message', ({ data }) => {
        if (channel === mine) hear(Object(data))
      })
      life?.document?.addEventListener?.('freeze', leave)
      heardAt = clock.now()
      asks = 0
      queue(false)
      watch()
    }
    join(true)
  }

  const leave = (): void => {
    if (!channel) return
    const left = channel
    channel = undefined
    lead = undefined
    left.postMessage({ kind: 'leave', id })
    life?.document?.removeEventListener?.('freeze', leave)
    clock.clearTimeout(timer)
    request?.abort()
    stopLeading()
    left.close()
    member.forget()
  }

  const transport = async (attempt: Attempt): Promise<Ending> => {
    const why = toFault(settings)
    if (why) return { kind: 'refused', why, code: 'invalid-setting' }
    if (!locks) {
      const found = await findLocks(share, clock)
      locks = found?.locks
      isKept = found?.isKept === true
    }
    if (attempt.signal.aborted) return { kind: 'again' }
    if (!locks) return unable
    const ended = member.attend(attempt)
    if (member.isAdmitted) enter()
    return ended
  }

  return {
    transport,
    changed(state) {
      if (state === 'paused' || state === 'closed') leave()
    },
  }
}

const shareNames = ['name', 'silenceMs', 'worker', 'locks', 'BroadcastChannel', 'SharedWorker']

/** Why such settings cannot be shared; empty: they can. A slip in `name` would bring the tabs of several users together. */
function toFault({ method, body, end, share }: SeatSettings): string {
  if ((method ?? 'GET') !== 'GET' || body !== undefined || end !== undefined) {
    return 'What is shared is asked with GET, without body and end.'
  }
  if (share !== true && typeof share !== 'object') return 'share is true, or an object with a name.'
  const given: ShareOptions = Object(share)
  const unknown = Object.keys(given).find(name => !shareNames.includes(name))
  if (unknown !== undefined) return `share.${unknown} is no option.`
  const { silenceMs = 100 } = given
  return silenceMs >= 100 && silenceMs <= longestMs ? '' : `share.silenceMs is 100 to ${longestMs} ms.`
}

const longestMs = 3_600_000

/** What tabs elect one of them with, if there is anything. */
async function findLocks(
  share: ShareOptions,
  clock: Clock,
): Promise<{ readonly locks: Locks; readonly isKept: boolean } | undefined> {
  const { navigator, SharedWorker, BroadcastChannel } = globalThis as {
    readonly navigator?: { readonly locks?: Locks | undefined }
    readonly SharedWorker?: TabWorkerClass
    readonly BroadcastChannel?: unknown
  }
  if (!share.BroadcastChannel && !BroadcastChannel) return undefined
  const locks = share.locks ?? navigator?.locks
  if (locks) return { locks, isKept: false }
  const Worker = share.SharedWorker ?? SharedWorker
  if (!Worker) return undefined
  const url = share.worker ?? (await import('./lock-keeper.js')).scriptUrl
  return { locks: createWorkerLocks(Worker, url, clock), isKept: true }
}
