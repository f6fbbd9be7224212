import { http2 } from './http2.mjs'
import { injectionByComment, injectionByData, injectionById, injectionByType } from './injection.mjs'
import { leaving } from './leaving.mjs'
import { multiLine } from './multi-line.mjs'
import { reconnect, unknownCursor } from './reconnect.mjs'
import { stalled } from './stalled.mjs'

/** What is tried, in the order of the table. */
export const rows = /** @satisfies {Readonly<Record<string, import('./row.mjs').Row>>} */ ({
  id: injectionById,
  type: injectionByType,
  comment: injectionByComment,
  data: injectionByData,
  lines: multiLine,
  reconnect,
  'unknown-cursor': unknownCursor,
  leaving,
  http2,
  stalled,
})
