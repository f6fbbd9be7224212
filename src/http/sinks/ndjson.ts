import { toEventObject } from '../../hub/page.js'
import type { Encoding } from '../../hub/sink.js'

/** A stream of event objects, one a line; the hub's own events have a `$` type and no topic. */
export const ndjsonEncoding: Encoding = Object.freeze<Encoding>({
  name: 'ndjson',
  event: (event, id) => line(toEventObject(event, id)),
  hubEvent: (type, id, data) => line({ type, id, data }),
})

function line(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`)
}
