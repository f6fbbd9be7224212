import { TidingsError } from '../wire/errors.js'
import { utf8Length } from '../wire/names.js'

/** What is published, as the text that the log keeps: a text as it is, any other JSON value as JSON. Throws `invalid-event`, `too-large`. */
export function toData(payload: unknown, maxEventBytes: number): string {
  const data = typeof payload === 'string' ? payload : toJson(payload)
  if (!data.isWellFormed()) throw isNoData('half a surrogate pair is no text')
  if (data.length * 3 > maxEventBytes && utf8Length(data) > maxEventBytes) {
    throw new TidingsError('too-large', `The data of an event has at most ${maxEventBytes} bytes.`)
  }
  return data
}

/** What JSON would make something else of, without a word. */
function refuseStrangers(value: unknown): void {
  if (typeof value === 'number' && !Number.isFinite(value)) throw isNoData(`JSON has no ${value}`)
  if (typeof value !== 'object' || value === null) return
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    throw isNoData('bytes; publish the text that they are, such as buffer.toString(), or base64 of them')
  }
  if ('then' in value && typeof value.then === 'function') throw isNoData('a promise; await it before')
}

function isNoData(why: string, options?: ErrorOptions): TidingsError {
  return new TidingsError('invalid-event', `Not data: ${why}.`, options)
}

function toJson(value: unknown): string {
  refuseStrangers(value)
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    throw isNoData('JSON cannot say it (a BigInt, or an object within itself)', { cause: error })
  }
  if (text === undefined) throw isNoData(`JSON has no ${typeof value}`)
  // What a Map, a Set, an Error or a Blob holds is none of its properties.
  const kind = text === '{}' ? Object.prototype.toString.call(value).slice(8, -1) : 'Object'
  if (kind !== 'Object')
    throw isNoData(`JSON says nothing of what this ${kind} holds; publish a list or a plain object`)
  return text
}
