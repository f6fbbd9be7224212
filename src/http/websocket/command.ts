import { TidingsError } from '../../wire/errors.js'
import { parseSelector, type Selector } from '../../wire/selector.js'
import { type EventBounds, type NewEvent, readEventObjects } from '../event-object.js'
import { scanJson } from '../json-scan.js'
import { nearest } from '../nearest.js'

/** What a message asks for; its answer carries `ref`. */
export type Command = { readonly ref: Ref } & (
  | { readonly kind: 'publish'; readonly event: NewEvent }
  | { readonly kind: 'subscribe'; readonly selectors: readonly Selector[]; readonly since: string | undefined }
  | { readonly kind: 'unsubscribe'; readonly selectors: readonly Selector[] }
)

/** A client's own name for a message. */
export type Ref = string | number | undefined

/** What a message was that asks for nothing that can be done. */
export class BadCommand extends Error {
  readonly ref: Ref
  override readonly cause: unknown

  constructor(cause: unknown, ref: Ref) {
    super('A message asks for nothing that can be done.')
    this.cause = cause
    this.ref = ref
  }
}

const kinds = ['publish', 'subscribe', 'unsubscribe'] as const
const members: readonly string[] = [...kinds, 'since', 'ref']
const maxRefChars = 256
/** Levels of JSON around those of an event. */
const levelsAround = 1

/** Reads a message. Throws a `BadCommand` with the `TidingsError` that says what is wrong with it, and its `ref` if that could be read. */
export function readCommand(text: string, bounds: EventBounds & { readonly maxSelectors: number }): Command {
  let ref: Ref
  try {
    const { isArray, elements } = scanJson(text, {
      maxDepth: bounds.maxJsonDepth + levelsAround,
      maxElements: 1,
      member: 'publish',
    })
    const [message] = elements
    if (isArray || !message?.isObject) throw malformed('A message is an object')
    const value = JSON.parse(text) as Readonly<Record<string, unknown>>
    ref = readRef(value['ref'])
    checkMembers(value, message.members)
    const kind = kinds.find(name => Object.hasOwn(value, name))
    if (!kind) throw malformed('A message asks for something')
    if (kind === 'publish') {
      const { events, isArray } = readEventObjects(text.slice(message.valueFrom, message.valueTo), bounds)
      const [event] = events
      if (isArray || !event)
        throw new TidingsError('invalid-event', 'A message publishes one event; send a message each.')
      return { kind, ref, event }
    }
    const selectors = readSelectors(kind, value[kind], bounds.maxSelectors)
    return kind === 'subscribe' ? { kind, ref, selectors, since: readSince(value['since']) } : { kind, ref, selectors }
  } catch (error) {
    throw new BadCommand(error, ref)
  }
}

function readRef(ref: unknown): Ref {
  const isGood =
    ref === undefined ||
    (typeof ref === 'string' && ref.length <= maxRefChars && ref.isWellFormed()) ||
    (typeof ref === 'number' && Number.isFinite(ref))
  if (isGood) return ref
  throw new TidingsError('bad-request', `"ref" is a text of at most ${maxRefChars} characters, or a number.`)
}

function checkMembers(value: Readonly<Record<string, unknown>>, written: number): void {
  const names = Object.keys(value)
  for (const name of names) {
    if (members.includes(name)) continue
    const shown = JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}...` : name)
    const meant = nearest(name, members)
    throw new TidingsError(
      'unknown-member',
      `Unknown member ${shown}${meant ? `, did you mean "${meant}"` : ''}. There are: ${members.join(', ')}.`,
    )
  }
  if (names.length !== written) throw malformed('A member of the message is there more than once')
  if (kinds.filter(name => Object.hasOwn(value, name)).length > 1) throw malformed('A message asks for one thing')
  if (Object.hasOwn(value, 'since') && !Object.hasOwn(value, 'subscribe'))
    throw malformed('"since" goes with "subscribe"')
}

function readSelectors(kind: string, value: unknown, most: number): readonly Selector[] {
  if (!Array.isArray(value) || value.length === 0 || value.some(text => typeof text !== 'string')) {
    throw new TidingsError('invalid-selector', `"${kind}" is an array of selectors: ["stocks/AAPL", "news/*"].`)
  }
  if (value.length > most) throw tooMany(most)
  return [...new Set(value as readonly string[])].map(parseSelector)
}

function readSince(since: unknown): string | undefined {
  if (since === undefined || typeof since === 'string') return since
  throw new TidingsError('invalid-parameter', '"since" is a text, as the parameter of the same name.')
}

export function tooMany(most: number): TidingsError {
  return new TidingsError('too-many-topics', `A subscription has at most ${most} topics.`)
}

function malformed(what: string): TidingsError {
  return new TidingsError(
    'bad-request',
    `${what}: {"publish": EVENT}, {"subscribe": [SELECTOR], "since"?} or {"unsubscribe": [SELECTOR]}, each with "ref" if you like.`,
  )
}
