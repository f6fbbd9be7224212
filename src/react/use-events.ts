'use client'

import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import type { ConnectionState } from '../client/connection/lifecycle.js'
import { toMatch } from '../client/connection/match.js'
import type { ConnectOptions } from '../client/connection/options.js'
import type { ReceivedEvent } from '../client/connection/received-event.js'
import type { OutputsOf, PayloadSchemas } from '../client/connection/schemas.js'
import { toKey } from './key.js'
import { type Heard, listen, look, unheard } from './shared-connection.js'

/** What to hear, and how: options of `connect`, and these. */
export interface UseEventsOptions<Name extends string = string> extends ConnectOptions {
  /** Which events: a type, a topic, a selector, or `**` for all of the connection. Default: `**`. */
  readonly name?: Name | undefined
  /** How many of the newest are kept. 1 to 10,000, else rendering throws `RangeError`. Default: 100. */
  readonly limit?: number | undefined
  /**
   * Keeps connections apart that say the same otherwise, such as those of two users whose tokens are functions. Components have one connection
   * together if their URL, their key and their options are the same; of functions, schemas and other objects that cannot be compared only if
   * they are given, and not at all of those who are told (`onError`).
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
  const { name = '**', limit = 100, key, ...others } = given(options)
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
  const { name = '**', key, ...others } = given(options)
  return useHeard(url, others, name, 1, key).events.at(-1) as ReceivedEvent<never> | undefined
}

function given<Options>(options: Options): Options {
  if (typeof options !== 'object' || options === null) throw new TypeError('The options are an object.')
  return options
}

function useHeard(url: string | URL, options: ConnectOptions, name: string, limit: number, asIs?: string): Heard {
  if (typeof url !== 'string' && !(url instanceof URL)) {
    throw new TypeError(`The URL is a text or a URL, not ${url}. To hear nothing yet, render the component later.`)
  }
  if (typeof name !== 'string') throw new TypeError('name is a text: a type, a topic or a selector.')
  // What is no selector is said while rendering, not when there is a connection.
  useMemo(() => toMatch(name), [name])
  const key = toKey(url, options, asIs)
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
