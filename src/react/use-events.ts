'use client'

import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import type { ConnectionState } from '../client/connection/lifecycle.js'
import type { ConnectOptions } from '../client/connection/options.js'
import type { ReceivedEvent } from '../client/connection/received-event.js'
import type { OutputsOf, PayloadSchemas } from '../client/connection/schemas.js'
import { type Heard, listen, look, unheard } from './shared-connection.js'

/** What to hear, and how: options of `connect`, and these. */
export interface UseEventsOptions<Name extends string = string> extends ConnectOptions {
  /** Which events: a type, a topic, a selector, or `**` for all of the connection. Default: `**`. */
  readonly name?: Name | undefined
  /** How many of the newest are kept. 1 to 10,000, else rendering throws `RangeError`. Default: 100. */
  readonly limit?: number | undefined
  /**
   * Components that give the same key have one connection together, made as the first of them asks for it. Default: what the URL and all options say
   * that are no functions.
   */
  readonly key?: string | undefined
}

/** What a component is shown. */
export interface UsedEvents<Payload> {
  /** The newest, the oldest of them first. The same array for as long as there is no other event. */
  readonly events: readonly ReceivedEvent<Payload>[]
  readonly state: ConnectionState
  /** What went wrong last, until the connection is open again. */
  readonly error: Error | undefined
}

type PayloadOf<Events extends object, Name extends string> = Name extends keyof Events
  ? Events[Name]
  : Events[keyof Events]

const maxLimit = 10_000

/**
 * The newest events of a hub, or of any server of event streams, and how the connection stands. Nothing is connected while rendering, nor on a
 * server: it begins empty and `connecting`. The connection is made when the first component that asks for it is there, and closed a second
 * after the last one is gone. Its options count when it is made; with another `key`, URL or other options it is another one.
 */
export function useEvents<const Given extends PayloadSchemas, const Name extends string = '**'>(
  url: string | URL,
  options: UseEventsOptions<Name> & { readonly schemas: Given },
): UsedEvents<PayloadOf<OutputsOf<Given>, Name>>
export function useEvents<Events extends object = Record<string, unknown>, Name extends string = '**'>(
  url: string | URL,
  options?: UseEventsOptions<Name>,
): UsedEvents<PayloadOf<Events, Name>>
export function useEvents(url: string | URL, options: UseEventsOptions = {}): UsedEvents<never> {
  const { name = '**', limit = 100, key, ...others } = options
  if (!(limit >= 1 && limit <= maxLimit)) throw new RangeError(`limit is 1 to ${maxLimit}.`)
  const { events, ...heard } = useHeard(url, others, name, limit, key)
  const newest = useMemo(() => (events.length > limit ? events.slice(-limit) : events), [events, limit])
  return { ...heard, events: newest as readonly ReceivedEvent<never>[] }
}

/** The newest event; nothing before there was one. See `useEvents`. With `since: 'latest'` what is there is heard at once. */
export function useLatest<const Given extends PayloadSchemas, const Name extends string = '**'>(
  url: string | URL,
  options: Omit<UseEventsOptions<Name>, 'limit'> & { readonly schemas: Given },
): ReceivedEvent<PayloadOf<OutputsOf<Given>, Name>> | undefined
export function useLatest<Events extends object = Record<string, unknown>, Name extends string = '**'>(
  url: string | URL,
  options?: Omit<UseEventsOptions<Name>, 'limit'>,
): ReceivedEvent<PayloadOf<Events, Name>> | undefined
export function useLatest(
  url: string | URL,
  options: Omit<UseEventsOptions, 'limit'> = {},
): ReceivedEvent<never> | undefined {
  const { name = '**', key, ...others } = options
  return useHeard(url, others, name, 1, key).events.at(-1) as ReceivedEvent<never> | undefined
}

function useHeard(url: string | URL, options: ConnectOptions, name: string, limit: number, given?: string): Heard {
  const key = given ?? toKey(url, options)
  // Functions are others with each render, and no other connection for that: those of the newest render count when it is made.
  const asked = useRef({ url, options })
  // Before it is subscribed below, and not while rendering: what is rendered may never be shown.
  useEffect(() => {
    asked.current = { url, options }
  })
  const subscribe = useCallback(
    (listener: () => void) => listen(key, name, limit, () => asked.current, listener),
    [key, name, limit],
  )
  const snapshot = useCallback(() => look(key, name), [key, name])
  return useSyncExternalStore(subscribe, snapshot, () => unheard)
}

/** Of what says which connection it is; what only says how, and cannot be compared, does not count. */
function toKey(url: string | URL, options: ConnectOptions): string {
  const said = Object.entries(options).filter(([, value]) => isPlain(value))
  return JSON.stringify([url, said.sort(([one], [other]) => (one < other ? -1 : 1))])
}

function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'function' && value !== undefined
  const prototype: unknown = Object.getPrototypeOf(value)
  if (Array.isArray(value)) return value.every(isPlain)
  return prototype === Object.prototype && Object.values(value).every(isPlain)
}
