import { maxConflateMs } from '../http/read-request.js'
import { type Compression, checkCompression } from '../http/settings.js'
import { parseSince } from '../http/since.js'
import { checkOptions } from '../log/settings.js'
import { TidingsError } from '../wire/errors.js'
import { parseSelector } from '../wire/selector.js'

/** What a route gives to whom. `Asked` is what the framework hands to the route. */
export interface HandlerOptions<Asked extends readonly unknown[]> {
  /**
   * The topics or selectors that a request may read and is given, 1 to 100: a list, or what says it of each request, as the application
   * knows who asks. None: 403. What it throws is the application's: its framework answers that.
   */
  readonly topics: readonly string[] | ((...asked: Asked) => readonly string[] | Promise<readonly string[]>)
  /** Where a stream begins whose client says neither cursor nor `since`, as the interface has it. Default: `now`. */
  readonly since?: string | undefined
  /** Conflation, if the client asks for none: 0 to 60,000 milliseconds. Default: every event. */
  readonly conflateMs?: number | undefined
  /**
   * What streams come in for clients whose `Accept-Encoding` asks for it, made once for all of them; middleware that compresses leaves streams
   * alone. Pages are left to that. Default: `off`.
   */
  readonly compression?: Compression | undefined
}

/**
 * What a function of the request may be that says the topics, as it is inferred from where a framework takes the route: of any request that is
 * one of `Request`, whatever follows it. Written as a method, so that the framework may know more of its request than we ask for.
 */
export type TopicsFunction<Request> = { of(request: Request, ...others: never): unknown }['of']

/**
 * The options of a route whose `topics` has the type `Topics`. That a framework passes its own type of request on to it takes a parameter
 * that stands for the whole function, here and in what is returned.
 */
export interface InferredOptions<Topics> extends Omit<HandlerOptions<never>, 'topics'> {
  readonly topics: readonly string[] | (Topics & Extract<HandlerOptions<never>['topics'], (...asked: never) => unknown>)
}

const optionNames = ['topics', 'since', 'conflateMs', 'compression'] satisfies (keyof HandlerOptions<never>)[]
/** How many topics a route has at most. */
export const maxTopics = 100

/** Throws `too-many-topics`. */
export function checkTopicCount(topics: readonly string[]): void {
  if (topics.length <= maxTopics) return
  throw new TidingsError('too-many-topics', `A subscription has at most ${maxTopics} topics.`)
}

/** Throws `invalid-setting`, and `too-many-topics`, `invalid-selector` and `invalid-parameter`, if a route cannot be made of that. */
export function checkHandlerOptions(options: HandlerOptions<never>): void {
  const { topics, since, conflateMs, compression } = Object(options) as HandlerOptions<never>
  if (!Array.isArray(topics) && typeof topics !== 'function') {
    throw new TidingsError(
      'invalid-setting',
      "topics is a list of topics, or a function that gives one, as in { topics: ['news'] }.",
    )
  }
  checkOptions(options, 'a route', optionNames)
  if (Array.isArray(topics)) {
    if (topics.length === 0) {
      throw new TidingsError(
        'invalid-setting',
        'topics is an empty list, so nobody could read anything; name 1 to 100.',
      )
    }
    checkTopicCount(topics)
    topics.forEach(parseSelector)
  }
  if (since !== undefined) parseSince(since, Date.now())
  checkCompression('compression', compression)
  const isConflation =
    conflateMs === undefined || (Number.isInteger(conflateMs) && conflateMs >= 0 && conflateMs <= maxConflateMs)
  if (!isConflation)
    throw new TidingsError('invalid-setting', `conflateMs is a whole number from 0 to ${maxConflateMs}.`)
}

/** The topics of one request. Rejects with what the application throws, and with `invalid-setting` if it gives no list of texts. */
export async function topicsFor<Asked extends readonly unknown[]>(
  { topics }: HandlerOptions<Asked>,
  asked: Asked,
): Promise<readonly string[]> {
  if (typeof topics !== 'function') return topics
  const said = await topics(...asked)
  if (Array.isArray(said) && said.every(topic => typeof topic === 'string')) return said
  throw new TidingsError(
    'invalid-setting',
    `The function topics gave no list of texts, such as ["news"], but ${tell(said)}.`,
  )
}

/** What was given in place of topics, as far as it helps: who is asking may be in it. */
function tell(said: unknown): string {
  if (Array.isArray(said)) {
    const stranger: unknown = said.find(topic => typeof topic !== 'string')
    return `a list with ${stranger === null ? 'null' : typeof stranger} in it`
  }
  if (said === undefined) return 'undefined (is a return missing?)'
  return said === null ? 'null' : `a ${typeof said}`
}
