import { TidingsError } from '../../wire/errors.js'
import { matches, matchesAny, type Selector } from '../../wire/selector.js'
import {
  decodeHead,
  decodeTopic,
  type HeadRecord,
  metaKeys,
  type Store,
  type TopicRecord,
  topicIdKey,
  topicKey,
} from './layout.js'

/** How many names are remembered by id; then all are forgotten, to be read again. */
const maxNames = 65_536

/** How many topics a glob is resolved to, at most, by looking at so many of the listing. */
const maxListed = 1_000

/** The topics of the log, asked for by name, id or selector. What is asked is answered from the present transaction. */
export interface Catalog {
  find(topic: string): TopicRecord | undefined
  /** The name of a topic that holds events. */
  name(topicId: number): string
  /** Forgets the name of an id that is given now: the transaction that gave it before may have failed. */
  forget(topicId: number): void
  /**
   * The ids of all topics that match, ascending; nothing if they are more than `max`, or too many to find out.
   * Costs nothing when asked again with the same array while no topic has come or gone.
   */
  resolve(selectors: readonly Selector[], max: number, head: HeadRecord): readonly number[] | undefined
  /** Whether topic ids match `selectors`, remembering for each what it was. For one read. */
  filter(selectors: readonly Selector[]): (topicId: number) => boolean
}

export function createCatalog(store: Store): Catalog {
  // An id that was committed is never given again, so a name stays true until `forget`.
  const names = new Map<number, string>()
  const resolved = new WeakMap<
    readonly Selector[],
    { catalog: number; max: number; ids: readonly number[] | undefined }
  >()

  function find(topic: string): TopicRecord | undefined {
    const value = store.topics.get(topicKey(topic))
    return value && decodeTopic(value)
  }

  function name(topicId: number): string {
    const known = names.get(topicId)
    if (known !== undefined) return known
    const value = store.names.get(topicIdKey(topicId))
    if (!value) throw new TidingsError('log-corrupt', `The log is damaged: topic ${topicId} has no name.`)
    if (names.size >= maxNames) names.clear()
    const topic = value.toString()
    names.set(topicId, topic)
    return topic
  }

  function look(selectors: readonly Selector[], max: number): readonly number[] | undefined {
    const ids = new Set<number>()
    let listed = 0
    for (const selector of selectors) {
      if (!selector.glob) {
        const topic = find(selector.text)
        if (topic) ids.add(topic.id)
      } else {
        for (const { value } of store.topics.getRange({ ...selectorRange(selector), limit: maxListed + 1 })) {
          if (++listed > maxListed) return undefined
          const topic = decodeTopic(value)
          if (matches(selector, topic.topic)) ids.add(topic.id)
        }
      }
      if (ids.size > max) return undefined
    }
    return [...ids].sort((a, b) => a - b)
  }

  function resolve(selectors: readonly Selector[], max: number, head: HeadRecord): readonly number[] | undefined {
    const known = resolved.get(selectors)
    if (known && known.catalog === head.catalog && known.max === max) return known.ids
    const ids = look(selectors, max)
    resolved.set(selectors, { catalog: head.catalog, max, ids })
    return ids
  }

  function filter(selectors: readonly Selector[]): (topicId: number) => boolean {
    const verdicts = new Map<number, boolean>()
    return topicId => {
      let verdict = verdicts.get(topicId)
      if (verdict === undefined) {
        verdict = matchesAny(selectors, name(topicId))
        verdicts.set(topicId, verdict)
      }
      return verdict
    }
  }

  return { find, name, forget: topicId => void names.delete(topicId), resolve, filter }
}

/** Where in `topics` all that matches stands: behind the literal segments with which the selector begins. */
export function selectorRange(selector: Selector): { readonly start: Buffer; readonly end: Buffer } {
  if (!selector.glob) return { start: topicKey(selector.text), end: topicKey(`${selector.text}\0`) }
  const wild = selector.glob.findIndex(segment => segment === '*' || segment === '**')
  if (wild === 0) return { start: Buffer.of(0), end: Buffer.of(0xff) }
  const literal = selector.glob.slice(0, wild).join('/')
  // From "a", which "a/**" selects too, up to what comes after all that begins with "a/" ("0" comes after "/").
  return { start: topicKey(literal), end: topicKey(`${literal}0`) }
}

export function readHead(store: Pick<Store, 'meta'>): HeadRecord {
  const value = store.meta.get(metaKeys.head)
  if (!value) throw new TidingsError('log-corrupt', 'The log is damaged: it does not say where its head is.')
  return decodeHead(value)
}
