import { randomUUID } from 'node:crypto'
import { createBackoff, waitFor } from '../hub-client/backoff.js'
import { foreignEnd } from '../hub-client/command-end.js'
import { showDuration } from '../hub-client/duration-flag.js'
import { howToReach, showUrl, tryingAgain } from '../hub-client/hub-url.js'
import { ask, createAgent } from '../hub-client/request.js'
import type { Stopping } from '../hub-client/stopping.js'
import { judge, type Refusal } from '../hub-client/verdict.js'

export interface SenderOptions {
  readonly url: URL
  /** How long the hub may stay away in one piece; infinite: for ever. */
  readonly giveUpAfterMs: number
  readonly stopping: Stopping
  /** Tells people what holds things up. */
  readonly tell: (message: string) => void
}

/** How the hub answered a body in the end. */
export type Answered =
  | { readonly kind: 'done'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** It cannot take more now. So many of the lines are kept; no others, unless `isRestUnknown`. */
  | { readonly kind: 'partly'; readonly accepted: number; readonly isRestUnknown: boolean }

/** Sends bodies to a hub, one at a time, each until it is answered. */
export interface Sender {
  /** Since when the hub has not answered, in the time of `performance.now`; nothing: it does. */
  readonly awaySince: number | undefined
  /**
   * Sends the body under a key of its own, and again under the same key for as long as that is needed. `what` names it to
   * people. Rejects with `Unanswered`, or with `CommandEnd` if what answers is no hub.
   */
  send(mediaType: string, body: Uint8Array, what: string): Promise<Answered>
  /** Lets its connections go. */
  close(): void
}

/** The hub was away for too long, or the command was asked to end and its time is over. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered'
  /** Whether the hub may have what was sent all the same. */
  readonly isUnknown: boolean

  constructor(message: string, isUnknown: boolean) {
    super(message)
    this.isUnknown = isUnknown
  }
}

const leastWaitMs = 100
const mostWaitMs = 5_000
/** An outage that is over sooner, such as a restart of the hub, is not worth a word. */
const quietMs = 1_000
/**
 * The hub knows a repeat for 120 s from when it kept the first (docs/spec/http.md, 2.5). A repeat that begins later than this
 * may come too late for that.
 */
const knownRepeatMs = 110_000

export function createSender({ url, giveUpAfterMs, stopping, tell }: SenderOptions): Sender {
  const agent = createAgent(url)
  const run = randomUUID()
  const backoff = createBackoff(leastWaitMs, mostWaitMs)
  let bodies = 0
  let isKnown = false
  let isAwayTold = false
  let awaySince: number | undefined

  /** Resolves when it is time to try again. Throws `Unanswered` when there is no more time. */
  const retreat = async (why: string, askedMs: number | undefined, isUnknown: boolean): Promise<void> => {
    const now = performance.now()
    awaySince ??= now
    const leftMs = giveUpAfterMs - (now - awaySince)
    if (stopping.expired.aborted) throw new Unanswered('Ended before the hub answered.', isUnknown)
    const what = `No hub answers at ${showUrl(url)} (${why}).${isKnown ? '' : ` ${howToReach(url)}`}`
    if (leftMs <= 0) {
      const gaveUp = `Gave up after ${showDuration(now - awaySince)}: ${why}.`
      throw new Unanswered(isAwayTold ? gaveUp : what, isUnknown)
    }
    if (!isAwayTold && (!isKnown || now - awaySince >= quietMs)) {
      isAwayTold = true
      tell(`${what} ${tryingAgain(leftMs)}`)
    }
    await waitFor(Math.min(backoff.next(askedMs), leftMs), stopping.next())
  }

  const answered = (): void => {
    if (isAwayTold) tell(`The hub answers${isKnown ? ' again' : ''}.`)
    isKnown = true
    isAwayTold = false
    awaySince = undefined
    backoff.reset()
  }

  return {
    get awaySince() {
      return awaySince
    },

    async send(mediaType, body, what) {
      const headers = {
        'Content-Type': mediaType,
        Accept: 'application/json',
        'Idempotency-Key': `${run}-${++bodies}`,
      }
      /** When the first request went out of which it is unknown whether the hub kept something. */
      let unknownSince: number | undefined
      let isLateTold = false
      /** So many lines are kept, whatever became of the others. */
      let kept = 0
      for (;;) {
        const startedAt = performance.now()
        const isLate = unknownSince !== undefined && startedAt - unknownSince > knownRepeatMs
        if (isLate && !isLateTold) {
          isLateTold = true
          tell(`The hub was away for longer than it knows a repeat (two minutes): ${what} may be there twice.`)
        }
        if (isLate && kept > 0) return { kind: 'partly', accepted: kept, isRestUnknown: true }
        const reply = await ask(url, {
          method: 'POST',
          target: '/events',
          headers,
          body,
          agent,
          signal: stopping.expired,
        })
        if (reply.kind === 'foreign') throw foreignEnd(reply.why)
        if (reply.kind !== 'answered') {
          if (reply.kind === 'lost') unknownSince ??= startedAt
          await retreat(reply.why, undefined, unknownSince !== undefined)
          continue
        }
        const verdict = await judge(url, reply.response)
        if (verdict.kind === 'foreign') throw foreignEnd(verdict.why)
        if (verdict.kind !== 'later') {
          answered()
          return verdict
        }
        const { accepted, why, retryAfterMs } = verdict
        if (accepted === undefined) unknownSince ??= startedAt
        if (accepted !== undefined) kept = Math.max(kept, accepted)
        if (kept > 0 && unknownSince === undefined) {
          // Under the same key the rest would wait for a hub that by then has forgotten the lines that it kept. Where an earlier
          // request may have brought the rest, or is still on its way with it, only the key keeps that from being there twice.
          await retreat(why, retryAfterMs, false)
          return { kind: 'partly', accepted: kept, isRestUnknown: false }
        }
        await retreat(why, retryAfterMs, unknownSince !== undefined)
      }
    },

    close() {
      agent.destroy()
    },
  }
}
