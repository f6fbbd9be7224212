import type { NewEvent } from '../log/log.js'
import { TidingsError } from '../wire/errors.js'
import { checkEventId, checkKey, checkTopic, checkType } from '../wire/names.js'

/** Throws as the checks of names do, and `invalid-event` if the data is no text. What gets past here is encoded for everybody. */
export function checkEvent({ topic, data, type, key, eventId }: NewEvent): void {
  checkTopic(topic)
  if (type !== undefined && type !== '') checkType(type)
  if (key !== undefined) checkKey(key)
  if (eventId !== undefined && eventId !== '') checkEventId(eventId)
  if (!data.isWellFormed()) throw new TidingsError('invalid-event', 'Not data: half a surrogate pair is no text.')
}
