import { TidingsError } from '../wire/errors.js'
import { nearest } from './nearest.js'
import { percentDecode } from './target.js'

/** The parameters of one query, all of them known to the route. */
export class Parameters {
  readonly #values: ReadonlyMap<string, readonly string[]>

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values
  }

  /** The value of a parameter that is given at most once. */
  one(name: string): string | undefined {
    return this.#values.get(name)?.[0]
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? []
  }

  /** Throws `invalid-parameter` unless it is a whole number in the bounds, or not given. */
  wholeNumber(name: string, least: number, most: number): number | undefined {
    const text = this.one(name)
    if (text === undefined) return undefined
    const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= least && value <= most)) {
      throw new TidingsError('invalid-parameter', `"${name}" is a whole number from ${least} to ${most}.`)
    }
    return value
  }

  /** `1` and `true` are yes, `0`, `false` and nothing are no; throws `invalid-parameter` on all else. */
  flag(name: string): boolean {
    const text = this.one(name)
    if (text === undefined || text === '0' || text === 'false') return false
    if (text === '1' || text === 'true') return true
    throw new TidingsError('invalid-parameter', `"${name}" is 1 or 0.`)
  }
}

const none = new Parameters(new Map())

/** What a route takes: the names of its parameters, and those among them that may be repeated. */
export interface KnownParameters {
  readonly names: readonly string[]
  readonly repeated?: readonly string[]
  /** What to say of names that other forms of the route take. */
  readonly elsewhere?: { readonly names: readonly string[]; readonly hint: string }
}

/**
 * Reads a query as forms send it (`+` is a space; a plus sign itself is `%2B`). Names that begin with `_` are ignored, which
 * leaves room for what caches and tools add.
 *
 * Throws `unknown-parameter` on a name that the route does not know, `invalid-parameter` on a repeated one.
 */
export function parseParameters(query: string, known: KnownParameters): Parameters {
  if (query === '') return none
  const values = new Map<string, string[]>()
  for (const piece of query.split('&')) {
    if (piece === '') continue
    const equals = piece.indexOf('=')
    const name = decode(equals < 0 ? piece : piece.slice(0, equals))
    if (name.startsWith('_')) continue
    if (!known.names.includes(name)) throw unknownParameter(name, known)
    const value = equals < 0 ? '' : decode(piece.slice(equals + 1))
    const given = values.get(name)
    if (!given) values.set(name, [value])
    else if (known.repeated?.includes(name)) given.push(value)
    else throw new TidingsError('invalid-parameter', `"${name}" is given more than once.`)
  }
  return new Parameters(values)
}

function decode(text: string): string {
  return percentDecode(text.replaceAll('+', ' '), 'the query')
}

function unknownParameter(name: string, { names, elsewhere }: KnownParameters): TidingsError {
  const shown = JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}...` : name)
  if (elsewhere?.names.includes(name)) return new TidingsError('unknown-parameter', `${shown} ${elsewhere.hint}`)
  const meant = nearest(name, names)
  const there = names.length === 0 ? 'This takes no parameters.' : `There are: ${names.join(', ')}.`
  return new TidingsError(
    'unknown-parameter',
    `Unknown parameter ${shown}${meant ? `, did you mean "${meant}"` : ''}. ${there}`,
  )
}
