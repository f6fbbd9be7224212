import { type Gap, toGap } from './receiver.js'
import type { Checked } from './schemas.js'
import type { WireEvent } from './transport.js'

/** An event as an application hears it. */
export interface ReceivedEvent<Payload = unknown> {
  /** `message` if the publisher named none. */
  readonly type: string
  /** Empty: the server told none. */
  readonly topic: string
  /** Of a hub: its position, good as a cursor. Empty: none, as of those with which `since: 'latest'` begins. */
  readonly id: string
  /** The text that was published, or the JSON of what else was. */
  readonly data: string
  /** Set if this is no event of a publisher, but says that some may be missing; its `type` is `$gap`. */
  readonly gap: Gap | undefined
  /** What was published, parsed; what its schema gave back, if there is one. Throws `SyntaxError` if the data are no JSON. */
  json(): Payload
}

/** `checked`: what a schema gave back. */
export function toReceivedEvent(event: WireEvent, checked?: Checked): ReceivedEvent {
  const { type, data } = event
  return {
    ...event,
    gap: type === '$gap' ? toGap(data) : undefined,
    json: () => (checked && 'value' in checked ? checked.value : JSON.parse(data)),
  }
}
