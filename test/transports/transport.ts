/** An event as a reader heard it. The hub's own have a type that begins with `$`, and no topic. */
export interface Heard {
  /** Nothing where it would be taken for a cursor and is none. */
  readonly id: string | undefined
  readonly topic: string | undefined
  /** Empty: none. */
  readonly type: string
  /** Nothing where the transport does not show it. */
  readonly key: string | undefined
  readonly data: string
}

/** What a reader asks for. */
export interface Ask {
  readonly topics: readonly string[]
  /** Default, of every transport, without `lastEventId`: `now`. */
  readonly since?: string | undefined
  readonly lastEventId?: string | undefined
  readonly conflate?: number | undefined
  /** Parameters that are none of the above. */
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
}

/** How a reader was let go. */
export interface Ending {
  /** The last `retry` that was told. */
  readonly retryMs?: number | undefined
  /** Of a WebSocket. */
  readonly closeCode?: number | undefined
}

/**
 * A reader who hears. Iterating waits for what comes, and ends when no more can come; it goes on where it was left. It throws `Refused`
 * where a later request than the first is refused.
 */
export interface Listening extends AsyncIterableIterator<Heard> {
  /** What to come back with. */
  readonly cursor: string | undefined
  /** Set when no more can come. */
  readonly ending: Ending | undefined
  /** Takes nothing from the network any more. */
  pause(): void
  resume(): void
  /** Leaves without a word: the connection is destroyed. */
  cut(): void
}

/** The hub did not let somebody read. */
export class Refused extends Error {
  readonly status: number
  /** Of a problem document, or of the comment of a stream that is not opened. */
  readonly code: string | undefined
  /** When to come again, by `Retry-After` or `retry`. */
  readonly retryMs: number | undefined

  constructor(status: number, code: string | undefined, retryMs: number | undefined) {
    super(`refused with ${status} (${code})`)
    this.status = status
    this.code = code
    this.retryMs = retryMs
  }
}

/** A way to read a hub: the same face for all, and what is different by nature. */
export interface Transport {
  readonly name: string
  /** Resolves when everything that is published from now on will be heard. Rejects with `Refused`, or if nobody answers. */
  open(url: string, ask: Ask): Promise<Listening>

  /** Whether it is a hub with a certificate that it reads. Default: false. */
  readonly isEncrypted?: boolean

  /** Whether `conflate` leaves out what was superseded. A page is a picture of the log, not of a time: it has every event. */
  readonly conflates: boolean
  /** Line breaks in data as they were published, or each as LF, which is how the standard has an event stream carry them. */
  readonly breaks: 'kept' | 'as LF'
  /** Whether a key is shown: the standard has no field for it. */
  readonly showsKey: boolean
  /** What a full hub answers; a page is answered: it holds no place. */
  readonly whenFull: 'served' | 'told to come again' | 503
  /** What somebody is answered who comes with a cursor at the end of an ended topic. */
  readonly whenOver: 204 | 4409 | 'the end'
  /** What a hub that drains says last; a page hears no more than that nobody answers. */
  readonly whenDrained: 'retry' | 1001 | 'nothing'
}

/** What came and waits to be looked at; the part of a `Listening` that all have in common. */
export class Inbox {
  readonly #heard: Heard[] = []
  #wake: (() => void)[] = []
  ending: Ending | undefined
  #refusal: Refused | undefined

  push(heard: Heard): void {
    this.#heard.push(heard)
    this.#notify()
  }

  /** No more can come. What came already is there still. */
  end(ending: Ending = {}): void {
    this.ending ??= ending
    this.#notify()
  }

  /** No more can come, because of this; whoever waits for it is told if it was a refusal. */
  fail(error: unknown): void {
    if (error instanceof Refused) this.#refusal ??= error
    this.end()
  }

  async next(): Promise<IteratorResult<Heard, undefined>> {
    while (this.#heard.length === 0 && !this.ending) await new Promise<void>(resolve => this.#wake.push(resolve))
    const value = this.#heard.shift()
    if (!value && this.#refusal) throw this.#refusal
    return value ? { value, done: false } : { value: undefined, done: true }
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

/** Gives an inbox what a `Listening` has beside it. It is iterated without being closed by a `break`. */
export function toListening(
  inbox: Inbox,
  rest: { cursor(): string | undefined; pause(): void; resume(): void; cut(): void },
): Listening {
  return {
    next: () => inbox.next(),
    [Symbol.asyncIterator]() {
      return this
    },
    get cursor() {
      return rest.cursor()
    },
    get ending() {
      return inbox.ending
    },
    pause: rest.pause,
    resume: rest.resume,
    cut() {
      rest.cut()
      inbox.end()
    },
  }
}

/** The target of a request for what is asked, with further parameters. One exact topic is named by the path. */
export function toTarget(ask: Ask, more: Readonly<Record<string, string | undefined>> = {}): string {
  const [topic = '', ...others] = ask.topics
  const isOne = others.length === 0 && topic !== '' && !topic.includes('*')
  const query = new URLSearchParams()
  if (!isOne) for (const text of ask.topics) query.append('topic', text)
  const { lastEventId, conflate } = ask
  // With a cursor, `since` is where to go on behind one that is no good.
  const since = ask.since ?? (lastEventId === undefined ? 'now' : undefined)
  const given = { since, lastEventId, conflate: conflate?.toString(), ...more, ...ask.query }
  for (const [name, value] of Object.entries(given)) if (value !== undefined) query.set(name, value)
  return `/events${isOne ? `/${topic.split('/').map(encodeURIComponent).join('/')}` : ''}?${query}`
}

/** Events of an event object, or of a `$` type. */
export function toHeard(object: Readonly<Record<string, unknown>>): Heard {
  const text = (name: string): string | undefined => {
    const value = object[name]
    return typeof value === 'string' ? value : undefined
  }
  const topic = text('topic')
  return {
    id: text('id'),
    topic,
    type: text('type') ?? '',
    key: topic === undefined ? undefined : (text('key') ?? ''),
    data: text('data') ?? '',
  }
}
