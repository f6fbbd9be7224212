import { maxConflateMs } from '../http/read-request.js'
import { type Compression, checkCompression } from '../http/settings.js'
import { parseSince } from '../http/since.js'
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

/** Throws `invalid-setting`, and `invalid-selector` and `invalid-parameter`, if a route cannot be made of that. */
export function checkHandlerOptions(options: HandlerOptions<never>): void {
  const { topics, since, conflateMs, compression, ...others } = Object(options) as HandlerOptions<never>
  if (!Array.isArray(topics) && typeof topics !== 'function') {
    throw new TidingsError('invalid-setting', 'topics is a list of topics, or a function that gives one.')
  }
  for (const name of Object.keys(others)) {
    throw new TidingsError('invalid-setting', `There is no setting ${name} of a route.`)
  }
  if (Array.isArray(topics)) topics.forEach(parseSelector)
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
  throw new TidingsError('invalid-setting', 'The function topics gave no list of texts, such as ["news"].')
}
