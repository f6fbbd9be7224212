import { TidingsError } from './errors.js'
import { topicFault } from './names.js'

/** Which topics: one exact topic, or a glob of whole segments (`*` is one, `**` in last place the rest, zero or more). */
export interface Selector {
  /** As it was written; equal texts select the same topics. */
  readonly text: string
  /** The segments of a glob; nothing for an exact topic. */
  readonly glob: readonly string[] | undefined
}

/** Throws `invalid-selector` unless `text` is a topic or a glob. */
export function parseSelector(text: string): Selector {
  const fault = topicFault(text)
  if (fault) throw new TidingsError('invalid-selector', `Not a selector: ${fault}.`)
  if (!text.includes('*')) return { text, glob: undefined }
  const glob = text.split('/')
  const isGlob = glob.every(
    (segment, i) => !segment.includes('*') || segment === '*' || (segment === '**' && i === glob.length - 1),
  )
  if (!isGlob) {
    const rule = '"*" stands for a whole segment, and "**" for the rest, in the last place'
    throw new TidingsError('invalid-selector', `Not a selector: "${text}" (${rule}).`)
  }
  return { text, glob }
}

/** Whether `topic` is selected. A wildcard in the first segment does not match a topic of the hub (`$...`). */
export function matches(selector: Selector, topic: string): boolean {
  const { text, glob } = selector
  if (!glob) return text === topic
  if (topic.startsWith('$') && text.startsWith('*')) return false
  let from = 0
  for (const segment of glob) {
    if (segment === '**') return true
    if (from > topic.length) return false
    const slash = topic.indexOf('/', from)
    const to = slash < 0 ? topic.length : slash
    if (segment !== '*' && (to - from !== segment.length || !topic.startsWith(segment, from))) return false
    from = to + 1
  }
  return from > topic.length
}

/** Whether any of `selectors` selects `topic`. */
export function matchesAny(selectors: readonly Selector[], topic: string): boolean {
  for (const selector of selectors) if (matches(selector, topic)) return true
  return false
}

/** Whether every topic that `inner` selects is selected by `outer` too. */
export function covers(outer: Selector, inner: Selector): boolean {
  if (!outer.glob) return outer.text === inner.text
  if (!inner.glob) return matches(outer, inner.text)
  for (const [i, wide] of outer.glob.entries()) {
    const narrow = inner.glob[i]
    if (wide === '**') return i > 0 || !inner.text.startsWith('$')
    if (narrow === undefined) return false
    // Every topic has a first segment, so `**` there is no wider than `*` and the rest.
    if (narrow === '**') return i === 0 && wide === '*' && outer.glob[1] === '**'
    if (wide !== '*' && wide !== narrow) return false
    if (i === 0 && wide === '*' && narrow.startsWith('$')) return false
  }
  return inner.glob.length === outer.glob.length
}

/** Whether there may be a topic that both select. */
export function intersects(a: Selector, b: Selector): boolean {
  if (!a.glob) return matches(b, a.text)
  if (!b.glob) return matches(a, b.text)
  const length = Math.max(a.glob.length, b.glob.length)
  for (let i = 0; i < length; i++) {
    const x = a.glob[i]
    const y = b.glob[i]
    if (x === '**' || y === '**') return i > 0 || !(x?.startsWith('$') || y?.startsWith('$'))
    if (x === undefined || y === undefined) return false
    if (x !== '*' && y !== '*' && x !== y) return false
    if (i === 0 && (x.startsWith('$') || y.startsWith('$')) && x !== y) return false
  }
  return true
}
