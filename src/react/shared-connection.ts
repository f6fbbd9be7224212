import { connect } from '../client/connection/connect.js'
import type { Connection } from '../client/connection/connection.js'
import type { ConnectionState } from '../client/connection/lifecycle.js'
import type { ConnectOptions } from '../client/connection/options.js'
import type { ReceivedEvent } from '../client/connection/received-event.js'

/** What components are shown of a connection. Another object whenever something of it is another. */
export interface Heard {
  /** The newest, as many as anybody keeps, the oldest first. */
  readonly events: readonly ReceivedEvent[]
  readonly state: ConnectionState
  /** What went wrong last, until it is open again. */
  readonly error: Error | undefined
}

/** Before anything was heard, and on a server. */
export const unheard: Heard = { events: [], state: 'connecting', error: undefined }

/** Of one name, events of a connection, for all components that ask for them. */
interface Shelf {
  /** Of each who looks at it, how many it keeps. */
  readonly limits: number[]
  /** The greatest of them, or of those before if there is none now. */
  most: number
  readonly listeners: Set<() => void>
  /** The newest, and some that are too old. */
  readonly kept: ReceivedEvent[]
  /** Made of the above when somebody looks. */
  events: readonly ReceivedEvent[] | undefined
  heard: Heard | undefined
  /** Listeners will be told in a moment. */
  isTelling: boolean
  /** Ends listening to the name. */
  readonly leave: () => void
  ending: number | undefined
}

/** A connection that components have together. */
interface SharedConnection {
  readonly connection: Connection
  readonly shelves: Map<string, Shelf>
  /** Where nobody has asked for a name yet. */
  heard: Heard | undefined
  users: number
  error: Error | undefined
  ending: number | undefined
}

/** By key. Nothing is in it but while components are there, so nothing on a server. */
const connections = new Map<string, SharedConnection>()

/** For so long a connection that nobody looks at is kept, and what was heard of a name: components leave and come back, as in strict mode, or from one page to the next. */
const graceMs = 1_000

/** Looks at the events of a name, and makes the connection if nobody has yet. What it returns ends that. */
export function listen(
  key: string,
  name: string,
  limit: number,
  make: () => { readonly url: string | URL; readonly options: ConnectOptions },
  listener: () => void,
): () => void {
  const there = connections.get(key)
  // One that has ended is shown to those who saw it end.
  const shared = there && (there.users > 0 || there.connection.state !== 'closed') ? there : open(key, make())
  clearTimeout(shared.ending)
  shared.users++
  const shelf = shared.shelves.get(name) ?? addShelf(shared, name)
  clearTimeout(shelf.ending)
  shelf.limits.push(limit)
  count(shelf)
  shelf.listeners.add(listener)
  return () => {
    shelf.listeners.delete(listener)
    shelf.limits.splice(shelf.limits.indexOf(limit), 1)
    count(shelf)
    if (shelf.limits.length === 0) {
      // Names may be many over the life of a connection that others look at.
      shelf.ending = setTimeout(() => {
        shelf.leave()
        shared.shelves.delete(name)
      }, graceMs)
    }
    if (--shared.users > 0) return
    shared.ending = setTimeout(() => {
      if (connections.get(key) === shared) connections.delete(key)
      shared.connection.close()
    }, graceMs)
  }
}

/** The same object for as long as there is nothing new. */
export function look(key: string, name: string): Heard {
  const shared = connections.get(key)
  if (!shared) return unheard
  const { connection, error, shelves } = shared
  const shelf = shelves.get(name)
  const toHeard = (events: readonly ReceivedEvent[]): Heard => ({ events, state: connection.state, error })
  if (!shelf) {
    shared.heard ??= toHeard(unheard.events)
    return shared.heard
  }
  shelf.events ??= shelf.kept.slice(-shelf.most)
  shelf.heard ??= toHeard(shelf.events)
  return shelf.heard
}

function open(key: string, { url, options }: ReturnType<Parameters<typeof listen>[3]>): SharedConnection {
  const connection = connect(url, options)
  const shared: SharedConnection = {
    ...{ connection, shelves: new Map(), users: 0 },
    ...{ heard: undefined, error: undefined, ending: undefined },
  }
  connection.onState(({ state, error }) => {
    shared.error = state === 'open' ? undefined : (error ?? shared.error)
    shared.heard = undefined
    for (const shelf of shared.shelves.values()) tell(shelf)
  })
  connections.set(key, shared)
  return shared
}

function addShelf({ connection, shelves }: SharedConnection, name: string): Shelf {
  const leave = connection.on(name, event => {
    const { kept, most } = shelf
    kept.push(event)
    if (kept.length > 2 * most) kept.splice(0, kept.length - most)
    shelf.events = undefined
    tell(shelf)
  })
  const shelf: Shelf = {
    ...{ limits: [], most: 1, listeners: new Set(), kept: [], leave },
    ...{ events: undefined, heard: undefined, isTelling: false, ending: undefined },
  }
  shelves.set(name, shelf)
  return shelf
}

function count(shelf: Shelf): void {
  if (shelf.limits.length > 0) shelf.most = shelf.limits.reduce((one, other) => Math.max(one, other))
}

/** Of what comes with one chunk, listeners are told together: each look costs as much as there are events. */
function tell(shelf: Shelf): void {
  shelf.heard = undefined
  if (shelf.isTelling) return
  shelf.isTelling = true
  queueMicrotask(() => {
    shelf.isTelling = false
    for (const listener of shelf.listeners) listener()
  })
}
