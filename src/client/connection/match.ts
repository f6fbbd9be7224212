import { TidingsError } from '../../wire/errors.js'
import type { WireEvent } from './transport.js'

/** Whether an event is of this name. */
export type Match = (event: WireEvent) => boolean

/**
 * `name`: a type, a topic, a selector with wildcards, or `**` for all events but the hub's own. Throws `invalid-selector`.
 *
 * Selects as `wire/selector.ts` does, in a sixth of a kilobyte less, which a page would load.
 */
export function toMatch(name: string): Match {
  const glob = name.split('/')
  if (glob.some((wanted, i) => wanted.includes('*') && wanted !== '*' && (wanted !== '**' || i + 1 < glob.length))) {
    throw new TidingsError('invalid-selector', `Not a selector: "${name}" ("*" stands alone).`)
  }
  const isIn = (topic: string): boolean => {
    const segments = topic.split('/')
    return (
      glob.every((wanted, i) => (wanted === '*' ? i < segments.length : wanted === '**' || wanted === segments[i])) &&
      (glob.at(-1) === '**' || segments.length === glob.length) &&
      !(topic.startsWith('$') && name.startsWith('*'))
    )
  }
  return ({ type, topic }) =>
    name === type || (!type.startsWith('$') && (name === '**' || (topic !== '' && isIn(topic))))
}
