import { TidingsError } from '../wire/errors.js'
import { utf8Length } from '../wire/names.js'

/** What is published, as the text that the log keeps: a text as it is, any other JSON value as JSON. Throws `invalid-event`, `too-large`. */
export function toData(payload: unknown, maxEventBytes: number): string {
  const data = typeof payload === 'string' ? payload : toJson(payload)
  if (!data.isWellFormed()) throw new TidingsError('invalid-event', 'Not data: half a surrogate pair is no text.')
  if (data.length * 3 > maxEventBytes && utf8Length(data) > maxEventBytes) {
    throw new TidingsError('too-large', `The data of an event has at most ${maxEventBytes} bytes.`)
  }
  return data
}

function toJson(value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    throw new TidingsError('invalid-event', 'Not data: JSON cannot say it (a BigInt, or an object within itself).', {
      cause: error,
    })
  }
  if (text === undefined) throw new TidingsError('invalid-event', `Not data: JSON has no ${typeof value}.`)
  return text
}
