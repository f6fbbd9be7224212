import type { Seat } from '../sharing/seat.js'
import { ask } from './ask.js'
import type { Connection } from './connection.js'
import { createDelivery } from './delivery.js'
import type { Extras } from './extras.js'
import { toMatch } from './match.js'
import { type ConnectOptions, resolveConnectOptions } from './options.js'
import type { ReceivedEvent } from './received-event.js'
import { createReceiver, type StateChange } from './receiver.js'
import type { OutputsOf, PayloadSchemas } from './schemas.js'

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
  let extras: Extras | undefined
  let seat: Seat | undefined
  let { cursor } = settings

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
  const delivery = createDelivery({
    check: event => extras?.check(event),
    onSeen(seen) {
      if (seen === cursor) return
      cursor = seen
      extras?.keep(seen)
    },
    onError: tell,
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
        if (!schemas && !storage) return ''
        extras ??= (await import('./extras.js')).createExtras(settings, tell)
        const kept = await extras.kept()
        if (receiver.statistics.opened === 0) cursor = kept || cursor
        return kept
      },
      async load(way) {
        if (way !== 'shared') return settings.load(way)
        const { createSeat } = await import('../sharing/seat.js')
        seat ??= createSeat(settings, ask, createReceiver, toMatch)
        return seat.transport
      },
    },
    {
      ...delivery,
      comment(text) {
        if (onComment) delivery.aside(() => guard(() => onComment(text)))
      },
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
