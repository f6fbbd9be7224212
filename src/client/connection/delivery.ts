import { TidingsError } from '../../wire/errors.js'
import { hubTypes } from '../../wire/names.js'
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
  /** A payload was refused (then with its event), or a handler threw. */
  readonly onError: (error: unknown, event?: ReceivedEvent) => void
  /** The last loop was left, and nobody else listens. */
  readonly onLeft: () => void
}

/** Brings events to handlers and loops, in order, each once, at the pace of the slowest loop. */
export interface Delivery {
  take(event: WireEvent, cursor: string): void
  /** What was seen without an event. */
  seen(cursor: string): void
  /** Does something that is no event, when what came before was listened to. It may not throw. */
  aside(act: () => void): void
  room(): Promise<void> | undefined
  readonly waiting: number
  readonly invalid: number
  /** `name`: a type, a topic, a selector with wildcards, or `**` for all events. What it returns ends that. */
  on(name: string, handler: (event: ReceivedEvent) => unknown): () => void
  loop(): AsyncIterableIterator<ReceivedEvent>
  /** Nothing more comes. Resolves when all was listened to; what was not, if `isNow`, never will be. */
  end(outcome: Outcome, isNow: boolean): Promise<void>
  /** Whether a loop was told how it ended, or will be. */
  readonly hasLoop: boolean
}

interface Handler {
  readonly isOf: Match
  readonly handle: (event: ReceivedEvent) => unknown
}

interface Loop {
  /** The calls of `next` that wait. */
  readonly asked: Asked[]
  /** It knows that no more comes. */
  isTold: boolean
}

interface Asked {
  readonly resolve: (result: IteratorResult<ReceivedEvent>) => void
  readonly reject: (error: unknown) => void
}

const done = { done: true, value: undefined } as const

export function createDelivery({ check, onSeen, onError, onLeft }: DeliveryOptions): Delivery {
  /** What is to be done about what came, in its order. */
  const queue: (() => void)[] = []
  const handlers = new Set<Handler>()
  const loops = new Set<Loop>()
  /** An event is being checked or given, or will be in a moment. */
  let isBusy = false
  let invalid = 0
  /** What is seen when the loops come back. */
  let given: string | undefined
  let onRoom: (() => void)[] = []
  let outcome: Outcome | undefined
  /** Nobody is to be given anything any more. */
  let isClosed = false
  let hasLoop = false
  let tellAll: () => void = () => undefined
  const allTold = new Promise<void>(resolve => {
    tellAll = resolve
  })

  const areLoopsBack = (): boolean => [...loops].every(({ asked }) => asked.length > 0)

  const pump = (): void => {
    while (!isBusy && areLoopsBack()) {
      if (given !== undefined) onSeen(given)
      given = undefined
      const act = handlers.size + loops.size > 0 ? queue.shift() : undefined
      if (!act) break
      act()
    }
    if (queue.length > 0 || isBusy) return
    makeRoom()
    if (outcome && areLoopsBack()) endLoops()
  }

  const makeRoom = (): void => {
    const woken = onRoom
    onRoom = []
    for (const wake of woken) wake()
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
    if (checked?.refused) {
      invalid++
      onError(new TidingsError('invalid-event', checked.refused, { cause: checked.cause }), received)
    } else {
      // What a handler brings about comes after this event.
      isBusy = true
      for (const handler of handlers) if (!isClosed && handler.isOf(event)) call(handler, received)
      isBusy = false
      if (event.type !== hubTypes.cursor && event.type !== hubTypes.end) {
        for (const { asked } of loops) asked.shift()?.resolve({ done: false, value: received })
      }
    }
  }

  const call = ({ handle }: Handler, event: ReceivedEvent): void => {
    try {
      const result = handle(event)
      if (result instanceof Promise) result.catch(error => onError(error, event))
    } catch (error) {
      onError(error, event)
    }
  }

  const endLoops = (): void => {
    for (const loop of loops) tellEnd(loop)
    loops.clear()
    tellAll()
  }

  const tellEnd = (loop: Loop): void => {
    for (const { resolve, reject } of loop.asked.splice(0)) {
      if (outcome?.error && !loop.isTold) reject(outcome.error)
      else resolve(done)
      loop.isTold = true
    }
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
      if (queue.length === 0 && !isBusy && areLoopsBack()) act()
      else push(act)
    },

    room() {
      if (queue.length === 0 && !isBusy) return undefined
      return new Promise(resolve => {
        onRoom.push(resolve)
      })
    },

    get waiting() {
      return queue.length
    },
    get invalid() {
      return invalid
    },
    get hasLoop() {
      return hasLoop
    },

    on(name, handle) {
      const handler = { isOf: toMatch(name), handle }
      handlers.add(handler)
      pumpSoon()
      return () => void handlers.delete(handler)
    },

    loop() {
      const loop: Loop = { asked: [], isTold: false }
      return {
        [Symbol.asyncIterator]() {
          return this
        },
        next() {
          return new Promise((resolve, reject) => {
            loop.asked.push({ resolve, reject })
            if (loop.isTold) {
              tellEnd(loop)
              return
            }
            hasLoop = true
            loops.add(loop)
            pumpSoon()
          })
        },
        return() {
          // A failure is of no interest any more.
          loop.isTold = true
          tellEnd(loop)
          if (loops.delete(loop) && loops.size + handlers.size === 0) onLeft()
          // What a loop was given when it was left was listened to.
          pumpSoon()
          return Promise.resolve(done)
        },
      }
    },

    end(how, isNow) {
      outcome ??= how
      if (isNow) {
        isClosed = true
        queue.length = 0
        makeRoom()
        endLoops()
      } else if (handlers.size + loops.size === 0) tellAll()
      else pump()
      return allTold
    },
  }
}
