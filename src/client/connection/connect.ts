import { TidingsError } from '../../wire/errors.js'
import type { Seat } from '../sharing/seat.js'
import type { Connection } from './connection.js'
import { createDelivery } from './delivery.js'
import type { Extras } from './extras.js'
import { toMatch } from './match.js'
import { type ConnectOptions, resolveConnectOptions, toAbsent } from './options.js'
import { readPage, takePage } from './page.js'
import type { ReceivedEvent } from './received-event.js'
import { createReceiver, type StateChange } from './receiver.js'
import type { OutputsOf, PayloadSchemas } from './schemas.js'

/**
 * Connects to a hub, or to any server that speaks event streams, and stays connected: it comes back by itself, each time from where it
 * was. What comes is held until somebody listens, by `on` or in a loop.
 *
 * `Events` says what the payloads of types, topics or selectors are; with `schemas` it comes from these.
 * Throws `invalid-setting`, and `TypeError` for what is no URL. All that goes wrong later is told to `onError`, `onState`, and the loops.
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
  let extras: Extras | undefined
  let seat: Seat | undefined
  let { cursor } = settings

  /** Does what is the application's, and tells what that throws or rejects with. */
  const guard: (act: () => unknown, event?: ReceivedEvent) => void = async (act, event) => {
    try {
      await act()
    } catch (error) {
      tell(error, event)
    }
  }
  /** What a handler of errors throws has nowhere to go but to the platform, as a rejection that nobody handles. */
  const tell: (error: unknown, event?: ReceivedEvent) => void = async (error, event) => onError(error, event)
  const delivery = createDelivery({
    check: event => extras?.check(event),
    onSeen(seen) {
      if (seen === cursor) return
      cursor = seen
      extras?.keep(seen)
    },
    onError: tell,
    guard,
    onLeft: () => close(),
  })

  const close = (): void => {
    receiver.close()
    // What came before and was not listened to is not wanted any more either.
    delivery.end({ reason: 'closed' })
  }

  const receiver = createReceiver(
    {
      ...settings,
      async prepare() {
        if (!schemas && !storage) return undefined
        extras ??= (await import('./extras.js')).createExtras(settings, tell, TidingsError)
        const kept = await extras.kept()
        // Later the one that was heard counts.
        if (receiver.statistics.opened > 0) return undefined
        cursor = kept || cursor
        return cursor
      },
      loaders: {
        ...settings.loaders,
        shared: () =>
          import('../sharing/seat.js').then(({ createSeat }) => {
            seat ??= createSeat(settings, readPage, takePage, createReceiver, toMatch)
            return seat.transport
          }, toAbsent),
      },
    },
    {
      ...delivery,
      comment: text => delivery.aside(() => onComment?.(text)),
      changed(change) {
        seat?.changed(change.state)
        for (const watcher of watchers) guard(() => watcher(change))
      },
      over(outcome) {
        signal?.removeEventListener('abort', close)
        delivery.end(outcome)
      },
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
    closed: delivery.closed,
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
