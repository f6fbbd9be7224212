/** How readable lines look. */
export interface TextOptions {
  /** The time alone, as people who look on need it; else the date too, in UTC. */
  readonly isShort: boolean
  readonly paint: (colour: 'dim' | 'red' | 'yellow' | 'cyan', text: string) => string
}

const colours = { warn: 'yellow', error: 'red', fatal: 'red', debug: 'dim', trace: 'dim' } as const
const width = 5

/**
 * A log line of JSON as people read it: time, level, what happened, then `name=value`; what is known of an error below. Control
 * characters are shown as escapes, so that nobody's text moves the cursor.
 */
export function toText(json: string, { isShort, paint }: TextOptions): string {
  const line: unknown = JSON.parse(json)
  if (!isRecord(line)) return json
  const { time, level, msg, err, ...fields } = line
  const name = String(level)
  const colour = Object.hasOwn(colours, name) ? colours[name as keyof typeof colours] : 'cyan'
  const words = [
    paint('dim', isShort ? shortTime(String(time)) : String(time)),
    paint(colour, name.padEnd(width)),
    inOneLine(String(msg)),
    ...Object.entries(fields).map(([name, value]) => paint('dim', `${name}=${toValue(value)}`)),
  ]
  return `${words.join(' ')}\n${isRecord(err) ? toLines(err) : ''}`
}

function toLines(error: Readonly<Record<string, unknown>>): string {
  const { message, stack, cause } = error
  const texts = [
    stack ?? message,
    ...(isRecord(cause) ? [`because: ${String(cause['stack'] ?? cause['message'])}`] : []),
  ]
  return texts
    .flatMap(text => String(text).split('\n'))
    .map(text => `      ${inOneLine(text.trim())}\n`)
    .join('')
}

function shortTime(time: string): string {
  const date = new Date(time)
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()]
  return parts.map(part => String(part).padStart(2, '0')).join(':')
}

function toValue(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /^[^\s"=\p{C}]+$/u.test(text) ? text : JSON.stringify(text)
}

function inOneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, character => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
