import type { Clock } from '../connection/clock.js'

/** What is published, by `publish`. */
export interface EventToPublish {
  readonly topic: string
  /** A text as it is; any other value as its JSON. */
  readonly data: unknown
  readonly type?: string | undefined
  readonly key?: string | undefined
  readonly eventId?: string | undefined
  /** Whether it is the last of its topic. */
  readonly end?: boolean | undefined
}

export type EventsToPublish = Iterable<EventToPublish> | AsyncIterable<EventToPublish>

/** Events as lines of JSON, some at a time. */
export interface EventLines {
  /**
   * The next lines: as many as come while `meanwhile` is not over, and a moment longer; at least one, and as many as go into a body. None: there
   * are no more. Rejects if `meanwhile` does, and with the reason of the signal. What the events themselves throw comes after the lines before it.
   */
  next(meanwhile: Promise<unknown>): Promise<readonly string[]>
  /** Asks for nothing more. */
  leave(): void
}

const maxLines = 500
/** UTF-16 units, so at most three times as many bytes. A longer event goes alone. */
const maxChars = 256 * 1024
const togetherMs = 2

export function createEventLines(events: EventsToPublish, clock: Clock, signal: AbortSignal | undefined): EventLines {
  const iterator =
    Symbol.asyncIterator in events
      ? events[Symbol.asyncIterator]()
      : (events as Iterable<EventToPublish>)[Symbol.iterator]()
  /** The line that was asked for and not taken; `undefined`: there are no more. */
  let asked: Promise<string | undefined> | undefined

  const ask = async (): Promise<string | undefined> => {
    const { done, value } = await iterator.next()
    return done ? undefined : `${JSON.stringify(value)}\n`
  }

  const gather = async (meanwhile: Promise<unknown>, aborted: Promise<never>): Promise<readonly string[]> => {
    const lines: string[] = []
    let chars = 0
    let enough = Promise.race([aborted, meanwhile.then(() => new Promise(() => undefined))])
    while (lines.length < maxLines) {
      asked ??= ask()
      const settled = asked.then(
        line => ({ line }),
        error => {
          // Later, when the lines before it are sent.
          if (lines.length > 0) return undefined
          throw error
        },
      )
      const { line } = Object(await Promise.race([settled, enough])) as { readonly line?: string | undefined }
      if (line === undefined || (chars > 0 && chars + line.length > maxChars)) break
      asked = undefined
      chars += line.length
      if (lines.push(line) > 1) continue
      const moment = meanwhile.then(
        () => new Promise(resolve => clock.setTimeout(() => resolve(undefined), togetherMs)),
      )
      enough = Promise.race([aborted, moment])
    }
    return lines
  }

  return {
    async next(meanwhile) {
      let stop: () => void = () => undefined
      const aborted = new Promise<never>((_, reject) => {
        stop = () => reject(signal?.reason)
        signal?.addEventListener('abort', stop)
      })
      try {
        return await gather(meanwhile, aborted)
      } finally {
        signal?.removeEventListener('abort', stop)
      }
    },

    leave() {
      const left = iterator.return?.()
      if (left instanceof Promise) left.catch(() => undefined)
    },
  }
}
