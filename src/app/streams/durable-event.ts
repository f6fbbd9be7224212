import type { NewEvent } from '../../log/log.js'
import { checkEventId, checkType } from '../../wire/names.js'
import { toData } from '../payload.js'
import { type StreamEvent, toStreamEvent } from './stream-event.js'

/** An event of a stream as it is published. Throws `invalid-event` and `too-large`. */
export function toNewEvent(topic: string, event: StreamEvent | string, maxEventBytes: number): NewEvent {
  const { data, type, id } = toStreamEvent(event)
  if (type !== undefined) checkType(type)
  if (id !== undefined) checkEventId(id)
  return { topic, data: toData(data, maxEventBytes), type, eventId: id }
}
