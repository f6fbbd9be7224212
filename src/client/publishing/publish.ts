import { TidingsError } from '../../wire/errors.js'
import { type Clock, realClock } from '../connection/clock.js'
import { type Given, toHeaders } from '../given.js'
import type { Fetch } from '../request.js'
import { toUrl } from '../to-url.js'
import { createBatchSender, type Published } from './batch-sender.js'
import { createEventLines, type EventsToPublish } from './event-lines.js'

/** How to publish. All may be left out. */
export interface PublishOptions {
  /** Headers of each request, or who gives them, asked at each attempt. */
  readonly headers?: Given<Readonly<Record<string, string>>> | undefined
  /** Sent as `Authorization: Bearer`; or who gives it, asked at each attempt. */
  readonly token?: Given<string | undefined> | undefined
  /** Whether cookies go to other origins too. Default: false. */
  readonly withCredentials?: boolean | undefined
  /**
   * How long it tries to get the same events to the hub. 0 to 3,600,000. Default: 90,000. What a hub may have, and did not answer for, is repeated for 100
   * seconds at most, since it knows a repeat for two minutes.
   */
  readonly giveUpAfterMs?: number | undefined
  /** How long an answer may take. 1 to 3,600,000. Default: 30,000. */
  readonly answerMs?: number | undefined
  /** Is told how far it came, each time that the hub has more. What it throws ends it. */
  readonly onAccepted?: ((published: Published) => void) | undefined
  /** Ends it: what is under way may be published, and nothing more. */
  readonly signal?: AbortSignal | undefined

  /** Default: those of the platform. */
  readonly fetch?: Fetch | undefined
  readonly clock?: Clock | undefined
  /** From 0 up to 1. Default: `Math.random` for waits, and `crypto` for keys. */
  readonly random?: (() => number) | undefined
}

/**
 * Publishes events in their order, each once, over cuts and restarts of the hub. `url` is that of `POST /events`.
 *
 * They go in requests of at most 500 events and 256 Ki characters, one at a time; `events` is asked for more only while the next request has
 * room. Resolves when the hub has them all.
 *
 * Rejects with `PublishError`, which says how far it came; with what `events` throws, when the hub has what came before; with the reason of
 * `signal`; with `invalid-setting`, and with `TypeError` for what is no URL. `events` is left then.
 */
export async function publish(
  url: string | URL,
  events: EventsToPublish,
  options: PublishOptions = {},
): Promise<Published> {
  const { headers, token, clock = realClock, random, giveUpAfterMs = 90_000, answerMs = 30_000, ...others } = options
  const { withCredentials, onAccepted, signal, fetch, ...unknown } = others
  for (const name in unknown) throw invalid(`${name} is no option`)
  if (!(giveUpAfterMs >= 0 && giveUpAfterMs <= longestMs)) throw invalid(`giveUpAfterMs is from 0 to ${longestMs}`)
  if (!(answerMs >= 1 && answerMs <= longestMs)) throw invalid(`answerMs is from 1 to ${longestMs}`)
  const { [Symbol.asyncIterator]: async, [Symbol.iterator]: sync } = Object(events)
  if (typeof events === 'string' || !(async ?? sync)) throw invalid('events is an array, or what a loop can go through')
  const { href, protocol } = toUrl(url)
  if (!fetch && !/^https?:$/.test(protocol))
    throw invalid(`the URL begins with http: or https:, and not with ${protocol}`)
  signal?.throwIfAborted()
  const sender = createBatchSender({
    ...{ withCredentials, onAccepted, signal, fetch, clock, giveUpAfterMs, answerMs },
    url: href,
    headers: () => toHeaders(headers, token),
    canRenew: [headers, token].some(given => typeof given === 'function'),
    random: random ?? Math.random,
    run: toRun(random),
  })
  const lines = createEventLines(events, clock, signal)
  try {
    let sending: Promise<void> = Promise.resolve()
    for (;;) {
      const batch = await lines.next(sending)
      await sending
      if (batch.length === 0) return sender.published
      sending = sender.send(batch)
      // It is waited for above.
      sending.catch(() => undefined)
    }
  } catch (error) {
    lines.leave()
    throw error
  }
}

const longestMs = 3_600_000

/** Visible ASCII that nobody else has, nor can guess. */
function toRun(random: (() => number) | undefined): string {
  const words = random
    ? Array.from({ length: 4 }, () => Math.floor(random() * 2 ** 32))
    : crypto.getRandomValues(new Uint32Array(4))
  return Array.from(words, word => word.toString(36)).join('')
}

function invalid(what: string): TidingsError {
  return new TidingsError('invalid-setting', `publish: ${what}.`)
}
