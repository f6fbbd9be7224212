import { TidingsError } from '../wire/errors.js'

/** The forms in which events are given, the preferred first where a request likes several equally. */
export const forms = ['text/event-stream', 'application/json', 'application/x-ndjson'] as const

export type Form = (typeof forms)[number]

interface Range {
  readonly type: string
  readonly quality: number
}

// RFC 9110, 12.5.1 and 12.4.2, with the parameters that a media range may have besides its weight.
const rangeForm = /^([!#$%&'*+.^_`|~0-9a-z-]+\/[!#$%&'*+.^_`|~0-9a-z-]+)\s*((?:;.*)?)$/
const weightForm = /^q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/

/**
 * The form that `accept` asks for: the one of the highest weight; of several, one that is named outright rather than by a
 * wildcard, so that what libraries send by default (JSON, and anything) is a page; then the first of `forms`. Without a
 * header: the stream. Elements that are no media ranges are passed over. Throws `not-acceptable`, which lists the forms.
 */
export function negotiate(accept: string | undefined): Form {
  const form = tryNegotiate(accept)
  if (form) return form
  throw new TidingsError(
    'not-acceptable',
    `Events come as ${forms.join(', ')}; name one of them in "Accept", or leave it out for ${forms[0]}.`,
  )
}

/** As `negotiate`; nothing, where that throws. */
export function tryNegotiate(accept: string | undefined): Form | undefined {
  if (accept === undefined || accept.trim() === '') return forms[0]
  const ranges = parseRanges(accept)
  let best: Form | undefined
  let bestRank = 0
  for (const form of forms) {
    const rank = rankOf(form, ranges)
    if (rank > bestRank) {
      best = form
      bestRank = rank
    }
  }
  return best
}

/** Weight first, then how exactly the form was named; 0: it is not taken. */
function rankOf(form: Form, ranges: readonly Range[]): number {
  const wildcards = [form, `${form.slice(0, form.indexOf('/'))}/*`, '*/*']
  for (const [i, type] of wildcards.entries()) {
    // The most specific range says the weight (RFC 9110, 12.5.1); of equal ranges, the first.
    const range = ranges.find(candidate => candidate.type === type)
    if (range) return range.quality === 0 ? 0 : range.quality * 10 + (2 - i)
  }
  return 0
}

function parseRanges(accept: string): readonly Range[] {
  const ranges: Range[] = []
  for (const element of accept.toLowerCase().split(',')) {
    const match = rangeForm.exec(element.trim())
    if (!match) continue
    const [, type = '', parameters = ''] = match
    const weight = parameters
      .split(';')
      .map(parameter => parameter.trim())
      .find(parameter => parameter.startsWith('q='))
    const quality = weight === undefined ? '1' : weightForm.exec(weight)?.[1]
    if (quality !== undefined) ranges.push({ type, quality: Math.round(Number(quality) * 1000) })
  }
  return ranges
}
