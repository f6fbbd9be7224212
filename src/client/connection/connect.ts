import type { Connection, HubEventName } from './connection.js'
import { createCursorKeeper } from './cursor-store.js'
import { createDelivery } from './delivery.js'
import { type ConnectOptions, resolveConnectOptions } from './options.js'
import type { ReceivedEvent } from './received-event.js'
import { createReceiver, type Outcome, type Receiver, type StateChange } from './receiver.js'
import { createCheck, type OutputsOf, type PayloadSchemas } from './schemas.js'

/**
 * Connects to a hub, or to any server that speaks event streams, and stays connected: it comes back by itself, each time from where it
 * was. What comes is held until somebody listens, by `on` or in a loop.
 *
 * `Events` says what the payloads of types, topics or selectors are; with `schemas` it comes from these.
 * Throws `invalid-setting`. All that goes wrong later is told to `onError`, `onState`, and the loops.
 */
export function connect<const Given extends PayloadSchemas>(
  url: string | URL,
  options: ConnectOptions & { readonly schemas: Given },
): Connection<OutputsOf<Given>>
export function connect<Events extends object = Record<string, unknown>>(
  url: string | URL,
  options?: ConnectOptions,
): Connection<Events>
export function connect(url: string | URL, options: ConnectOptions = {}): Connection {
  const settings = resolveConnectOptions(url, options)
  const { onState, onComment, onError, signal, storage } = settings
  const watchers = new Set<(change: StateChange) => void>(onState && [onState])
  const keeper = storage && createCursorKeeper(storage, settings.storageKey, error => guard(onError, error))
  let receiver: Receiver | undefined
  let { cursor } = settings
  let isOver = false
  let resolveClosed: (outcome: Outcome) => void = () => undefined
  const closed = new Promise<Outcome>(resolve => {
    resolveClosed = resolve
  })

  const delivery = createDelivery({
    check: settings.schemas && createCheck(settings.schemas),
    onSeen(seen) {
      if (seen === cursor) return
      cursor = seen
      keeper?.keep(seen)
    },
    onError: (error, event) => guard(onError, error, event),
    onLeft: () => close(),
  })

  const over = (outcome: Outcome): void => {
    if (isOver) return
    isOver = true
    signal?.removeEventListener('abort', close)
    // A loop throws it.
    if (outcome.error && !delivery.hasLoop) guard(onError, outcome.error)
    void delivery.end(outcome, outcome.reason === 'closed').then(() => resolveClosed(outcome))
  }

  const close = (): void => {
    if (receiver) receiver.close()
    else over({ reason: 'closed' })
    // What came before and was not listened to is not wanted any more either.
    void delivery.end({ reason: 'closed' }, true)
  }

  const changed = (change: StateChange): void => {
    for (const watcher of watchers) {
      try {
        watcher(change)
      } catch (error) {
        guard(onError, error)
      }
    }
  }

  const start = async (): Promise<void> => {
    if (keeper) cursor = (await keeper.load()) || cursor
    if (isOver) return
    const begun = createReceiver(
      {
        ...settings,
        cursor,
        onComment:
          onComment &&
          (comment => {
            try {
              onComment(comment)
            } catch (error) {
              guard(onError, error)
            }
          }),
      },
      {
        take: delivery.take,
        room: delivery.room,
        get waiting() {
          return delivery.waiting
        },
        changed,
        over,
      },
    )
    receiver = begun
  }

  if (signal?.aborted) close()
  else signal?.addEventListener('abort', close)
  void start()

  return {
    url: settings.url,
    get state() {
      return receiver?.state ?? (isOver ? 'closed' : 'connecting')
    },
    get transport() {
      return receiver?.transport ?? settings.transports[0] ?? 'event-stream'
    },
    get cursor() {
      return cursor
    },
    get statistics() {
      const none = { attempts: 0, opened: 0, events: 0, repeats: 0, gaps: 0 }
      return { ...(receiver?.statistics ?? none), invalid: delivery.invalid }
    },
    closed,
    on: (name: string | HubEventName, handler: (event: ReceivedEvent<never>) => unknown) =>
      delivery.on(name, handler as (event: ReceivedEvent) => unknown),
    onState(watcher) {
      watchers.add(watcher)
      return () => void watchers.delete(watcher)
    },
    [Symbol.asyncIterator]: () => delivery.loop(),
    reconnect: () => receiver?.wake(),
    close,
  }
}

/** What a handler of errors throws has nowhere to go but to the platform. */
function guard(onError: (error: unknown, event?: ReceivedEvent) => void, error: unknown, event?: ReceivedEvent): void {
  try {
    onError(error, event)
  } catch (thrown) {
    queueMicrotask(() => {
      throw thrown
    })
  }
}
