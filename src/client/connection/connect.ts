import type { Connection } from './connection.js'
import type { CursorKeeper } from './cursor-store.js'
import { createDelivery } from './delivery.js'
import { type ConnectOptions, resolveConnectOptions } from './options.js'
import type { ReceivedEvent } from './received-event.js'
import { createReceiver, type Outcome, type StateChange } from './receiver.js'
import type { OutputsOf, PayloadSchemas, SchemaCheck } from './schemas.js'

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
  const { onState, onComment, onError, signal, storage, schemas } = settings
  const watchers = new Set<(change: StateChange) => void>(onState && [onState])
  let check: SchemaCheck | undefined
  let { cursor } = settings
  let resolveClosed: (outcome: Outcome) => void = () => undefined
  const closed = new Promise<Outcome>(resolve => {
    resolveClosed = resolve
  })

  /** Does what is the application's; what that throws is told, and what telling throws has nowhere to go but to the platform. */
  const guard = (act: () => void): void => {
    try {
      act()
    } catch (error) {
      tell(error)
    }
  }
  const tell = (error: unknown, event?: ReceivedEvent): void => {
    try {
      onError(error, event)
    } catch (thrown) {
      queueMicrotask(() => {
        throw thrown
      })
    }
  }
  let keeper: CursorKeeper | undefined
  let kept: string | undefined
  const delivery = createDelivery({
    check: event => check?.(event),
    onSeen(seen) {
      if (seen === cursor) return
      cursor = seen
      keeper?.keep(seen)
    },
    onError: tell,
    onLeft: () => close(),
  })

  const over = (outcome: Outcome): void => {
    signal?.removeEventListener('abort', close)
    // A loop throws it.
    if (outcome.error && !delivery.hasLoop) tell(outcome.error)
    void delivery.end(outcome, outcome.reason === 'closed').then(() => resolveClosed(outcome))
  }

  const close = (): void => {
    receiver.close()
    // What came before and was not listened to is not wanted any more either.
    void delivery.end({ reason: 'closed' }, true)
  }

  const receiver = createReceiver(
    {
      ...settings,
      async prepare() {
        if (schemas && !check) check = (await import('./schemas.js')).createCheck(schemas)
        if (!storage) return ''
        keeper ??= (await import('./cursor-store.js')).createCursorKeeper(storage, settings.storageKey, tell)
        if (kept === undefined) {
          kept = await keeper.load()
          cursor = kept || cursor
        }
        return kept
      },
    },
    {
      ...delivery,
      get waiting() {
        return delivery.waiting
      },
      comment(text) {
        if (onComment) delivery.aside(() => guard(() => onComment(text)))
      },
      changed(change) {
        for (const watcher of watchers) guard(() => watcher(change))
      },
      over,
    },
  )
  if (signal?.aborted) close()
  else signal?.addEventListener('abort', close)

  return {
    url: settings.url,
    get state() {
      return receiver.state
    },
    get transport() {
      return receiver.transport
    },
    get cursor() {
      return cursor
    },
    get statistics() {
      return { ...receiver.statistics, invalid: delivery.invalid }
    },
    closed,
    on: delivery.on as Connection['on'],
    onState(watcher) {
      watchers.add(watcher)
      return () => void watchers.delete(watcher)
    },
    [Symbol.asyncIterator]: delivery.loop,
    reconnect: receiver.wake,
    close,
  }
}
