import { parseSince } from '../../http/since.js'
import { TidingsError } from '../../wire/errors.js'
import { parseSelector } from '../../wire/selector.js'
import { type Flags, flagFault, readFlags, wholeNumberFlag } from '../flags.js'
import { durationFlag } from '../hub-client/duration-flag.js'
import { urlFlag } from '../hub-client/hub-url.js'

/** The options of `tidings subscribe`. */
export interface SubscribeFlags {
  readonly url: URL | undefined
  readonly json: boolean
  /** As `since` of the HTTP interface. */
  readonly since: string | undefined
  readonly latest: boolean
  /** Infinite: all that come. */
  readonly count: number
  readonly cursorFile: string | undefined
  /** In milliseconds, as the next two. */
  readonly conflate: number | undefined
  readonly deadAfter: number
  /** Infinite: never. */
  readonly giveUpAfter: number
}

/** What `tidings subscribe` is told, complete and checked. */
export interface SubscribeOptions extends Omit<SubscribeFlags, 'latest'> {
  readonly selectors: readonly string[]
}

const maxSelectors = 100

export const subscribeFlags: Flags<SubscribeFlags> = {
  url: urlFlag,
  json: {
    initial: false,
    help: 'An event object a line, instead of lines for people.',
    parse: text => text === 'yes',
  },
  since: {
    value: 'WHEN',
    initial: undefined,
    shown: 'now',
    help: 'Where to begin: now, earliest, an id, a duration back (10m, 24h), or a time (2026-11-23T10:00:00Z).',
    parse: text => {
      try {
        parseSince(text, Date.now())
        return text
      } catch (error) {
        if (error instanceof TidingsError) throw flagFault('--since', text, `is no such place. ${error.message}`)
        throw error
      }
    },
  },
  latest: {
    initial: false,
    help: 'Begin with the newest event of each topic and key; then what follows.',
    parse: text => text === 'yes',
  },
  count: {
    ...wholeNumberFlag('--count', {
      value: 'N',
      initial: Number.POSITIVE_INFINITY,
      least: 1,
      most: Number.MAX_SAFE_INTEGER,
      help: 'End after so many events.',
    }),
    shown: '',
  },
  cursorFile: {
    value: 'FILE',
    initial: undefined,
    help: 'Keep the place in this file, and go on from there the next time.',
    parse: text => text,
  },
  conflate: {
    ...durationFlag('--conflate', { initialMs: 0, shown: '', leastMs: 0, mostMs: 60_000, help: '' }),
    initial: undefined,
    shown: '',
    help: 'At most one event of each topic and key in so long, the newest; 0ms: only while the reader is slow.',
  },
  deadAfter: durationFlag('--dead-after', {
    initialMs: 45_000,
    shown: '45s',
    leastMs: 100,
    help: 'A connection on which nothing came for so long is opened anew. The hub says something every 15s.',
  }),
  giveUpAfter: durationFlag('--give-up-after', {
    initialMs: Number.POSITIVE_INFINITY,
    shown: 'never',
    leastMs: 0,
    takesNever: true,
    help: 'How long the hub may stay away before this ends.',
  }),
}

/** Throws `invalid-setting`, which says what was wrong and what to do. */
export function readSubscribeOptions(args: readonly string[]): SubscribeOptions | 'help' {
  const read = readFlags('subscribe', subscribeFlags, args)
  if (read === 'help') return read
  const { values, positionals } = read
  if (positionals.length === 0) {
    throw invalid("Something is missing: tidings subscribe SELECTOR..., such as news, 'logs/**', or '**' for all.")
  }
  if (positionals.length > maxSelectors) throw invalid(`There are at most ${maxSelectors} selectors; use globs.`)
  for (const text of positionals) {
    try {
      parseSelector(text)
    } catch (error) {
      if (error instanceof TidingsError) throw invalid(`${JSON.stringify(text)}: ${error.message}`)
      throw error
    }
  }
  const { latest, since, ...others } = values
  if (latest && since !== undefined) throw invalid('--latest and --since both say where to begin; give one of them.')
  return { ...others, since: latest ? 'latest' : since, selectors: positionals }
}

function invalid(message: string): TidingsError {
  return new TidingsError('invalid-setting', message)
}
