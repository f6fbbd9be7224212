import { matches, parseGlob } from '../../wire/selector.js'
import type { WireEvent } from './transport.js'

/** Whether an event is of this name. */
export type Match = (event: WireEvent) => boolean

/** `name`: a type, a topic, a selector with wildcards, or `**` for all events but the hub's own. Throws `invalid-selector`. */
export function toMatch(name: string): Match {
  const selector = parseGlob(name)
  return ({ type, topic }) =>
    name === type || (!type.startsWith('$') && (name === '**' || (topic !== '' && matches(selector, topic))))
}
