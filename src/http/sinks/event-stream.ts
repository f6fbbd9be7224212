import { toEventObject } from '../../hub/page.js'
import type { Encoding } from '../../hub/sink.js'
import { encodeBlock } from '../../wire/encode.js'

/** How events look on one kind of event stream. */
export interface EventStreamView {
  /** Events carry a `topic` field: the subscription is not one exact topic, so their topics differ. */
  readonly showsTopic: boolean
  /** `data` is the event object, for an `EventSource`, which tells a page nothing but data, type and id. */
  readonly isEnvelope: boolean
}

/** The same object for equal views, since subscriptions share frames by it. */
export function eventStreamEncoding({ showsTopic, isEnvelope }: EventStreamView): Encoding {
  if (isEnvelope) return showsTopic ? envelopesWithTopic : envelopes
  return showsTopic ? plainWithTopic : plain
}

const plain = create('event-stream', { showsTopic: false, isEnvelope: false })
const plainWithTopic = create('event-stream+topic', { showsTopic: true, isEnvelope: false })
const envelopes = create('event-stream+envelope', { showsTopic: false, isEnvelope: true })
const envelopesWithTopic = create('event-stream+topic+envelope', { showsTopic: true, isEnvelope: true })

function create(name: string, { showsTopic, isEnvelope }: EventStreamView): Encoding {
  return Object.freeze<Encoding>({
    name,
    event: (event, id) =>
      Buffer.from(
        encodeBlock({
          id,
          type: event.type,
          topic: showsTopic ? event.topic : undefined,
          data: isEnvelope ? JSON.stringify(toEventObject(event, id)) : event.data,
        }),
      ),
    hubEvent: (type, id, data) => Buffer.from(encodeBlock({ id, type, data })),
    retry: ms => Buffer.from(encodeBlock({ retry: ms })),
  })
}

/** All that a stream which is not opened says: when to come again, and why. */
export function refusedStream(retryMs: number, why: string): string {
  return `${encodeBlock({ retry: retryMs, comment: why })}\n`
}
