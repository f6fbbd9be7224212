// Whom an event concerns, among ten thousand selectors. Beside it what would be done without an index: trying one selector after another.
import { Matcher } from '../../dist/hub/matcher.js'
import { matches, parseSelector } from '../../dist/wire/selector.js'
import { compare, say } from './measure.mjs'

const count = 10_000
/** @type {Readonly<Record<string, (at: number) => string>>} */
const shapes = {
  'exact topics': at => `rooms/${at}/door`,
  'globs with one wildcard': at => `rooms/${at}/*`,
  'globs with a wildcard before the difference': at => `*/${at}/door`,
  'globs that take the rest': at => `rooms/${at}/**`,
}

for (const [name, text] of Object.entries(shapes)) {
  const selectors = Array.from({ length: count }, (_, at) => parseSelector(text(at)))
  const matcher = /** @type {Matcher<number>} */ (new Matcher())
  const begin = performance.now()
  for (const [at, selector] of selectors.entries()) matcher.add([selector], at)
  const added = ((performance.now() - begin) * 1e6) / count
  let found = 0
  let turn = 0
  const visit = (/** @type {number} */ member) => {
    found += member
  }
  const topics = Array.from({ length: 97 }, (_, at) => `rooms/${(at * 7919) % count}/door`)
  const next = () => topics[turn++ % topics.length] ?? ''
  const run = () => {
    matcher.match(next(), visit)
    return found
  }
  const scan = () => {
    const topic = next()
    for (let at = 0; at < count; at++) {
      const selector = selectors[at]
      if (selector && matches(selector, topic)) found += at
    }
    return found
  }
  await compare(`match one of ${count} ${name}`, [
    { name: 'the hub', run },
    { name: 'one after another', run: scan },
  ])
  say(`  adding one: ${Math.round(added)} ns`)
}
