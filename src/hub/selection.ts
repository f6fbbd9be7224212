import type { Selector } from '../wire/selector.js'
import { matches } from '../wire/selector.js'

/** Equal selections have one canonical text: their selectors without repeats, in order. */
export function selectionText(selectors: readonly Selector[]): string {
  return [...new Set(selectors.map(selector => selector.text))].sort().join('\n')
}

/** The one topic that a selection is, if it is one exact topic. */
export function exactTopic(selectors: readonly Selector[]): string | undefined {
  const [first] = selectors
  if (!first || first.glob) return undefined
  return selectors.every(selector => selector.text === first.text) ? first.text : undefined
}

/** A test for topics whose cost does not grow with the number of exact ones. */
export function toTest(selectors: readonly Selector[]): (topic: string) => boolean {
  const exact = new Set<string>()
  const globs: Selector[] = []
  for (const selector of selectors) {
    if (selector.glob) globs.push(selector)
    else exact.add(selector.text)
  }
  return topic => exact.has(topic) || globs.some(glob => matches(glob, topic))
}
