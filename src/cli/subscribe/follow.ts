import type { ParsedEvent } from '../../wire/parse.js'
import { exitCodes } from '../exit-codes.js'
import { createBackoff, waitFor } from '../hub-client/backoff.js'
import { CommandEnd, foreignEnd, refusedEnd } from '../hub-client/command-end.js'
import { showDuration } from '../hub-client/duration-flag.js'
import { howToReach, showUrl, tryingAgain } from '../hub-client/hub-url.js'
import { type Ending, type Listening, listen } from './listen.js'

export interface FollowOptions {
  readonly url: URL
  readonly target: string
  /** Where to begin; empty: where the target says. */
  readonly cursor: string
  readonly silenceMs: number
  /** How long the hub may stay away in one piece; infinite: for ever. */
  readonly giveUpAfterMs: number
  /** Given when it is to end. */
  readonly signal: AbortSignal
  /** An event, of a publisher or the hub. Returns whether that was all that is wanted. */
  readonly onEvent: (event: ParsedEvent) => boolean
  /** All events of the bytes at hand were given; `cursor` is what they lead to. */
  readonly onBatch: (cursor: string) => void
  readonly tell: (message: string) => void
}

/** A subscription that comes back by itself, each time from where it was. */
export interface Following {
  pause(): void
  resume(): void
  /** Ends it; no event is given after this. */
  stop(): void
  /** Resolves when it is over; rejects with `CommandEnd` if the hub refuses it or is away for too long. */
  readonly over: Promise<void>
}

/** Before the hub has said with `retry` how long to wait. */
const firstRetryMs = 1_000
const mostWaitMs = 30_000

export function follow(options: FollowOptions): Following {
  const { url, target, silenceMs, giveUpAfterMs, signal, onEvent, onBatch, tell } = options
  const stopped = new AbortController()
  const stop = (): void => {
    stopped.abort()
    listening?.close()
  }
  signal.addEventListener('abort', stop)
  let cursor = options.cursor
  let listening: Listening | undefined
  let isPaused = false
  let retryMs = firstRetryMs
  /** What the connection at hand said of it. */
  let toldRetryMs: number | undefined
  let backoff = createBackoff(firstRetryMs, mostWaitMs)
  let isKnown = false
  let awaySince: number | undefined
  let isAwayTold = false

  const opened = (): void => {
    if (isAwayTold) tell(isKnown ? 'Back; going on from where it was.' : 'The hub answers.')
    isKnown = true
    isAwayTold = false
    awaySince = undefined
    backoff = createBackoff(retryMs, mostWaitMs)
  }

  const hear = (event: ParsedEvent): void => {
    if (awaySince !== undefined || !isKnown) opened()
    cursor = event.id
    if (onEvent(event)) stop()
  }

  const connect = (): Listening => {
    toldRetryMs = undefined
    return listen({
      url,
      target,
      cursor,
      silenceMs,
      signal: stopped.signal,
      onEvent: hear,
      onBatch: () => onBatch(cursor),
      onRetry: ms => {
        retryMs = ms
        toldRetryMs = ms
      },
    })
  }

  /** Resolves when it is time to come again. */
  const retreat = async ({ why, askedMs, isAway }: Ending & { kind: 'cut' }): Promise<void> => {
    const now = performance.now()
    // The hub chose its `retry` for each connection apart, so the first time it is taken as it is.
    const leastMs = Math.max(askedMs ?? 0, toldRetryMs ?? 0)
    const waitMs = awaySince === undefined && isKnown ? Math.max(retryMs, leastMs) : backoff.next(leastMs)
    awaySince ??= now
    const leftMs = giveUpAfterMs - (now - awaySince)
    const state = isKnown ? 'Cut off' : isAway ? `No hub answers at ${showUrl(url)}` : 'Not now'
    const what = `${state} (${why}).${isAway && !isKnown ? ` ${howToReach(url)}` : ''}`
    if (leftMs <= 0) {
      const gaveUp = `Gave up after ${showDuration(now - awaySince)}: ${why}.`
      throw new CommandEnd(exitCodes.unreachable, isAwayTold ? gaveUp : what)
    }
    if (!isAwayTold) {
      isAwayTold = true
      tell(`${what} ${tryingAgain(leftMs)}`)
    }
    await waitFor(Math.min(waitMs, leftMs), stopped.signal)
  }

  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      listening = connect()
      if (isPaused) listening.pause()
      const ending = await listening.over
      listening = undefined
      switch (ending.kind) {
        case 'closed':
          return
        case 'ended':
          tell('The topic has ended.')
          return
        case 'refused':
          throw refusedEnd(ending.refusal)
        case 'foreign':
          throw foreignEnd(ending.why)
        case 'cut':
          if (!stopped.signal.aborted) await retreat(ending)
      }
    }
  }

  return {
    pause() {
      isPaused = true
      listening?.pause()
    },
    resume() {
      isPaused = false
      listening?.resume()
    },
    stop,
    over: run().finally(() => signal.removeEventListener('abort', stop)),
  }
}
