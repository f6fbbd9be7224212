import { hubTypes } from '../../wire/names.js'
import type { ParsedEvent } from '../../wire/parse.js'

/** An event object, as the hub says it (docs/spec/http.md, 5.1). */
export interface EventObject {
  readonly topic: string
  readonly time: number
  readonly data: string
  readonly type?: string
  readonly key?: string
}

// C0 but tab, DEL, C1, and what turns the direction of the text around it: with these, data could move the cursor of a terminal,
// colour it, or look like something else. (U+0085 and U+2028 are no line ends of ours.)
const unsafe = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g
// JSON text has no C0 character of its own; the others may stand in its strings, and be escaped there.
const unsafeInJson = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g
const lineEnds = /\r\n|[\r\n]/

/**
 * An event for people: `TIME TOPIC [TYPE key=KEY] DATA`. Further lines of the data follow behind a bar, so that no data look like
 * another event; control characters are shown as escapes. Ends with a line feed.
 */
export function showEvent({ topic, time, type, key, data }: EventObject, dim: (text: string) => string): string {
  const about = [...(type === undefined ? [] : [type]), ...(key ? [`key=${key}`] : [])].join(' ')
  const label = about === '' ? '' : ` [${escapeText(about)}]`
  const [first = '', ...others] = data.split(lineEnds)
  const head = `${dim(new Date(time).toISOString())} ${escapeText(topic)}${dim(label)}`
  const rest = others.map(line => `${dim('  |')} ${escapeText(line)}\n`).join('')
  return `${head} ${escapeText(first)}\n${rest}`
}

/** The event object as a line of JSON: the same value, in which a terminal finds nothing to obey. */
export function toJsonLine(json: string): string {
  return `${json.replace(unsafeInJson, toUnicodeEscape)}\n`
}

/** What the hub itself said, as the line stream has it. */
export function hubEventLine({ type, id, data }: ParsedEvent): string {
  return toJsonLine(JSON.stringify({ type, id, data }))
}

const reasons: Readonly<Record<string, string>> = {
  trimmed: 'they are no longer kept',
  unknown: 'the cursor is none of this hub',
  rewound: 'the log lost what was heard, and goes on otherwise',
}

/** What the hub itself said, for people; nothing if that is of no interest to them. */
export function showHubEvent({ type, data }: ParsedEvent): string | undefined {
  switch (type) {
    case hubTypes.cursor:
      return undefined
    case hubTypes.end:
      return 'The topic has ended.'
    case hubTypes.gap: {
      const { reason, requested, resumedAt } = toObject(data)
      const why = reasons[String(reason)] ?? escapeText(String(reason))
      return `Events may be missing between ${escapeText(String(requested))} and ${escapeText(String(resumedAt))}: ${why}.`
    }
    default:
      return `The hub says ${escapeText(type)}. ${escapeText(data)}`.trimEnd()
  }
}

/** Throws `SyntaxError` if the text is no JSON object. */
export function toObject(json: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(json)
  if (typeof value !== 'object' || value === null) throw new SyntaxError('not an object')
  return { ...value }
}

function escapeText(text: string): string {
  return text.replace(unsafe, char => {
    const code = char.charCodeAt(0)
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : toUnicodeEscape(char)
  })
}

function toUnicodeEscape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}
