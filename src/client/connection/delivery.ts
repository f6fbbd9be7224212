import { type Match, toMatch } from './match.js'
import { type ReceivedEvent, toReceivedEvent } from './received-event.js'
import type { Outcome } from './receiver.js'
import type { Checked, SchemaCheck } from './schemas.js'
import type { WireEvent } from './transport.js'

export interface DeliveryOptions {
  /** What schemas make of an event; nothing: it has none. */
  readonly check: SchemaCheck
  /** All up to here was listened to, by whoever listens. */
  readonly onSeen: (cursor: string) => void
  /** A payload was refused (then with its event), a handler threw, or it failed and no loop will throw that. */
  readonly onError: (error: unknown, event?: ReceivedEvent) => void
  /** Does what is the application's, and tells `onError` what that throws. */
  readonly guard: (act: () => void, event?: ReceivedEvent) => void
  /** The last loop was left, and nobody else listens. */
  readonly onLeft: () => void
}

/** Brings events to handlers and loops, in order, each once, at the pace of the slowest loop. */
export interface Delivery {
  take(event: WireEvent, cursor: string): void
  /** What was seen without an event. */
  seen(cursor: string): void
  /** Does something that is no event, when what came before was listened to. */
  aside(act: () => void): void
  room(): Promise<void> | undefined
  readonly invalid: number
  /** `name`: a type, a topic, a selector with wildcards, or `**` for all events. What it returns ends that. */
  on(name: string, handler: (event: ReceivedEvent) => unknown): () => void
  loop(): AsyncGenerator<ReceivedEvent, void>
  /** Nothing more comes; if it was closed, what came and was not listened to never will be. Again: the first outcome counts. */
  end(outcome: Outcome): void
  /** Resolves when it has ended, and all was listened to. */
  readonly closed: Promise<Outcome>
}

interface Handler {
  readonly isOf: Match
  readonly handle: (event: ReceivedEvent) => unknown
}

interface Loop {
  /** It has come back, and waits for this: an event, or that there are no more. */
  resolve?: ((event?: ReceivedEvent) => void) | undefined
}

export function createDelivery({ check, onSeen, onError, guard, onLeft }: DeliveryOptions): Delivery {
  /** What is to be done about what came, in its order. */
  const queue: (() => void)[] = []
  const handlers = new Set<Handler>()
  const loops = new Set<Loop>()
  /** An event is being checked or given, or will be in a moment. */
  let isBusy = false
  let invalid = 0
  /** What is seen when the loops come back. */
  let given: string | undefined
  const onRoom: (() => void)[] = []
  let outcome: Outcome | undefined
  /** Nobody is to be given anything any more. */
  let isClosed = false
  let hasLoop = false
  let resolveClosed: (outcome: Outcome) => void
  const closed = new Promise<Outcome>(resolve => {
    resolveClosed = resolve
  })

  const isFree = (): boolean => !isBusy && [...loops].every(({ resolve }) => resolve)

  const pump = (): void => {
    while (isFree()) {
      if (given !== undefined) onSeen(given)
      given = undefined
      const act = handlers.size + loops.size > 0 ? queue.shift() : undefined
      if (!act) break
      act()
    }
    if (queue.length > 0 || isBusy) return
    makeRoom()
    if (outcome && isFree()) endLoops(outcome)
  }

  const makeRoom = (): void => {
    for (const wake of onRoom.splice(0)) wake()
  }

  const push = (act: () => void): void => {
    if (isClosed) return
    queue.push(act)
    pump()
  }

  const give = (event: WireEvent, cursor: string, checked: Checked): void => {
    isBusy = false
    if (isClosed) return
    given = cursor
    const received = toReceivedEvent(event, checked)
    if (checked?.error) {
      invalid++
      onError(checked.error, received)
    } else {
      // What a handler brings about comes after this event.
      isBusy = true
      for (const handler of handlers) if (!isClosed && handler.isOf(event)) call(handler, received)
      isBusy = false
      if (event.type !== '$cursor' && event.type !== '$end') {
        tellLoops(received)
      }
    }
  }

  const call = ({ handle }: Handler, event: ReceivedEvent): void =>
    guard(() => {
      const result = handle(event)
      if (result instanceof Promise) result.catch(error => onError(error, event))
    }, event)

  const tellLoops = (event?: ReceivedEvent): void => {
    for (const loop of loops) {
      loop.resolve?.(event)
      loop.resolve = undefined
    }
  }

  const endLoops = (how: Outcome): void => {
    tellLoops()
    resolveClosed(how)
  }

  /** Whoever else begins to listen at this moment is to hear the first events too. */
  const pumpSoon = (): void => {
    queueMicrotask(pump)
  }

  return {
    take(event, cursor) {
      push(() => {
        isBusy = true
        const checked = event.type.startsWith('$') ? undefined : check(event)
        if (checked instanceof Promise) {
          void checked.then(result => {
            give(event, cursor, result)
            pump()
          })
        } else give(event, cursor, checked)
      })
    },

    seen: cursor =>
      push(() => {
        given = cursor
      }),

    aside(act) {
      // Where nobody listens, nothing is to wait for it.
      if (queue.length === 0 && isFree()) guard(act)
      else push(() => guard(act))
    },

    room() {
      if (queue.length === 0 && !isBusy) return undefined
      return new Promise(resolve => {
        onRoom.push(resolve)
      })
    },

    get invalid() {
      return invalid
    },
    closed,

    on(name, handle) {
      const handler = { isOf: toMatch(name), handle }
      handlers.add(handler)
      pumpSoon()
      return () => void handlers.delete(handler)
    },

    async *loop() {
      const loop: Loop = {}
      loops.add(loop)
      hasLoop = true
      try {
        for (;;) {
          const event = await new Promise<ReceivedEvent | undefined>(resolve => {
            loop.resolve = resolve
            pumpSoon()
          })
          if (!event) break
          yield event
        }
      } finally {
        loops.delete(loop)
        if (!outcome && loops.size + handlers.size === 0) onLeft()
        // What it was given when it was left was listened to.
        pumpSoon()
      }
      if (outcome?.error) throw outcome.error
    },

    end(how) {
      outcome ??= how
      if (how.error && !hasLoop) onError(how.error)
      if (how.reason === 'closed') {
        isClosed = true
        queue.length = 0
        makeRoom()
        endLoops(outcome)
      } else if (handlers.size + loops.size === 0) resolveClosed(outcome)
      else pump()
    },
  }
}
