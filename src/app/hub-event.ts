import type { EventObject } from '../hub/hub.js'

/** An event as it is heard in process. */
export interface HubEvent<Payload = unknown> {
  /** Its position, good as a cursor; nothing of those with which `since: 'latest'` begins. */
  readonly id: string | undefined
  readonly topic: string
  /** Milliseconds since 1970. */
  readonly time: number
  readonly type: string | undefined
  readonly key: string | undefined
  readonly eventId: string | undefined
  /** The text that was published, or the JSON of what else was. */
  readonly data: string
  /** The last of its topic. */
  readonly end: boolean
  /** What was published and was no text. Throws `SyntaxError` if the data are no JSON. */
  json(): Exclude<Payload, string>
}

export function toHubEvent<Payload>(object: EventObject): HubEvent<Payload> {
  const { id, topic, time, type, key, eventId, data, end } = object
  return { id, topic, time, type, key, eventId, data, end: end ?? false, json: () => JSON.parse(data) }
}
