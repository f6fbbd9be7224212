import { type Match, toMatch } from './match.js'
import { type ReceivedEvent, toReceivedEvent } from './received-event.js'
import type { Outcome } from './receiver.js'
import type { Checked, SchemaCheck } from './schemas.js'
import type { WireEvent } from './transport.js'

export interface DeliveryOptions {
  /** What schemas make of an event; nothing: it has none. */
  readonly check: SchemaCheck
  /** All up to here was listened to, by whoever listens. Is said again and again. */
  readonly onSeen: (cursor: string) => void
  /** A payload was refused (then with its event), or it failed and no loop will throw that. */
  readonly onError: (error: unknown, event?: ReceivedEvent) => void
  /** Does what is the application's, at once, and tells what that throws or rejects with. */
  readonly guard: (act: () => unknown, event?: ReceivedEvent) => void
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

/** A handler, or a loop. */
interface Listener {
  readonly isOf: Match
  readonly handle: (event: ReceivedEvent) => unknown
  /** A loop has not come back for the next event. */
  isAway?: boolean
  /** A loop is told that there are no more. */
  readonly end?: () => void
}

export function createDelivery({ check, onSeen, onError, guard, onLeft }: DeliveryOptions): Delivery {
  /** What is to be done about what came, in its order. */
  const queue: (() => void)[] = []
  const listeners = new Set<Listener>()
  /** An event is being checked or given, or will be in a moment. */
  let isBusy = false
  let invalid = 0
  /** What is seen when the loops come back. */
  let given: string | undefined
  const onRoom: (() => void)[] = []
  let outcome: Outcome | undefined
  /** Nobody is to be given anything any more. */
  let isClosed = false
  let isOver = false
  let resolveClosed: (outcome: Outcome) => void
  const closed = new Promise<Outcome>(resolve => {
    resolveClosed = resolve
  })

  const isFree = (): boolean => !isBusy && ![...listeners].some(({ isAway }) => isAway)

  const pump = (): void => {
    while (isFree()) {
      if (given !== undefined) onSeen(given)
      const act = listeners.size > 0 ? queue.shift() : undefined
      if (!act) break
      act()
    }
    if (queue.length > 0 || isBusy) return
    makeRoom()
    if (outcome && isFree()) finish(outcome)
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
    if (!isClosed) {
      given = cursor
      const received = toReceivedEvent(event, checked)
      if (checked?.error) {
        invalid++
        onError(checked.error, received)
      } else {
        // As it is now: a handler may begin another one each time, and be heard for ever. One that was ended on the way is not called.
        for (const listener of [...listeners]) {
          if (!isClosed && listeners.has(listener) && listener.isOf(event)) {
            guard(() => listener.handle(received), received)
          }
        }
      }
    }
    // Not before: what a handler brings about comes after this event.
    isBusy = false
  }

  const finish = (how: Outcome): void => {
    isOver = true
    for (const { end } of listeners) end?.()
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
        const checked = check(event)
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
      const listener = { isOf: toMatch(name), handle }
      listeners.add(listener)
      pumpSoon()
      return () => void listeners.delete(listener)
    },

    async *loop() {
      let resolve: (event?: ReceivedEvent) => void
      const loop: Listener = {
        isOf: ({ type }) => type !== '$cursor' && type !== '$end',
        handle(event) {
          loop.isAway = true
          resolve(event)
        },
        end: () => resolve(),
      }
      listeners.add(loop)
      try {
        while (!isOver) {
          const event = await new Promise<ReceivedEvent | undefined>(next => {
            resolve = next
            loop.isAway = false
            pumpSoon()
          })
          if (event) yield event
        }
      } finally {
        listeners.delete(loop)
        // Also behind its end: what nobody listens to is waited for by nobody.
        if (listeners.size === 0) onLeft()
        // What it was given when it was left was listened to.
        pumpSoon()
      }
      if (outcome?.error) throw outcome.error
    },

    end(how) {
      outcome ??= how
      if (how.error && ![...listeners].some(({ end }) => end)) onError(how.error)
      if (how.reason === 'closed') {
        isClosed = true
        queue.length = 0
        makeRoom()
        finish(outcome)
      } else if (listeners.size === 0) resolveClosed(outcome)
      else pump()
    },
  }
}
