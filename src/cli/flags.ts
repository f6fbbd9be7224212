import { parseArgs } from 'node:util'
import { nearest } from '../http/nearest.js'
import { TidingsError } from '../wire/errors.js'

/** One option of a command. */
export interface Flag<T> {
  /** What the value is called in the help; a flag without one is a switch. */
  readonly value?: string
  /** A switch that `--no-NAME` takes back. */
  readonly negatable?: boolean
  /** May be given several times; each is parsed after the other, with what came before. */
  readonly repeatable?: boolean
  readonly initial: T
  /** The default as the help shows it. */
  readonly shown?: string
  readonly help: string
  /** Of switches: `yes` or `no`. `before`: what was parsed so far. Throws `invalid-setting`; `flagFault` words it. */
  parse(text: string, before: T): T
}

/** The options of a command by member; the member `cursorFile` is the flag `--cursor-file`. */
export type Flags<T> = { readonly [K in keyof T]: Flag<T[K]> }

/** What was written on the command line. */
export interface FlagsRead<T> {
  readonly values: T
  /** Members that were given. */
  readonly given: ReadonlySet<keyof T>
  /** What is no option, in its order. */
  readonly positionals: readonly string[]
}

/** `cursorFile` and `limits.maxStreams` as they are written on the command line: `cursor-file`, `limits-max-streams`. */
export function toFlagName(member: string): string {
  return member.replaceAll('.', '-').replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

/**
 * Reads the options of `tidings COMMAND`; of one that is given twice, the last counts, unless it is repeatable.
 * Throws `invalid-setting`, which says what was wrong, the nearest right name, and what to do.
 */
export function readFlags<T extends object>(
  command: string,
  flags: Flags<T>,
  args: readonly string[],
): FlagsRead<T> | 'help' {
  const names = new Map((Object.keys(flags) as (keyof T & string)[]).map(member => [toFlagName(member), member]))
  const values = Object.fromEntries([...names.values()].map(member => [member, flags[member].initial])) as {
    -readonly [K in keyof T]: T[K]
  }
  const given = new Set<keyof T>()
  const positionals: string[] = []
  const take = <K extends keyof T & string>(member: K, text: string): void => {
    const flag = flags[member]
    values[member] = flag.parse(text, flag.repeatable && given.has(member) ? values[member] : flag.initial)
    given.add(member)
  }
  for (const token of tokens(flags, args)) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') {
      positionals.push(token.value)
      continue
    }
    if (token.name === 'help' || token.name === 'h') return 'help'
    const negated = token.name.startsWith('no-') ? names.get(token.name.slice(3)) : undefined
    const isNegated = negated !== undefined && flags[negated].negatable === true
    const member = isNegated ? negated : names.get(token.name)
    if (member === undefined) throw unknownFlag(command, flags, token.rawName)
    const { value } = flags[member]
    if (value === undefined) {
      if (token.value !== undefined) throw invalid(`${token.rawName} takes no value; leave out "=${token.value}".`)
      take(member, isNegated ? 'no' : 'yes')
    } else {
      if (!token.value) throw invalid(`${token.rawName} needs a value: ${token.rawName} ${value}.`)
      take(member, token.value)
    }
  }
  return { values, given, positionals }
}

/** The options as lines of a help text. */
export function describeFlags<T extends object>(flags: Flags<T>): string {
  const rows = (Object.keys(flags) as (keyof T & string)[]).map(member => {
    const { value, negatable, shown, help } = flags[member]
    const left = `--${negatable ? '[no-]' : ''}${toFlagName(member)}${value ? ` ${value}` : ''}`
    return [left, shown ? `${help} Default: ${shown}` : help] as const
  })
  rows.push(['--help', 'Show this.'])
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('')
}

/** A fault of a flag's value. `rule` says what it is, and what to write. */
export function flagFault(flag: string, text: string, rule: string): TidingsError {
  return invalid(`${flag}: "${text}" ${rule}`)
}

/** A flag that is a whole number within bounds. */
export function wholeNumberFlag(
  flag: string,
  options: {
    readonly value: string
    readonly initial: number
    readonly least: number
    readonly most: number
    readonly help: string
    readonly shown?: string
  },
): Flag<number> {
  const { value, initial, least, most, help } = options
  return {
    value,
    initial,
    shown: options.shown ?? String(initial),
    help,
    parse: text => {
      const number = Number(text)
      if (/^[0-9]+$/.test(text) && number >= least && number <= most) return number
      throw flagFault(flag, text, `is not a whole number from ${least} to ${most}.`)
    },
  }
}

/** Throws `invalid-setting` unless the count of positionals is one that the command takes. `usage`: how it is called. */
export function checkPositionals(positionals: readonly string[], least: number, most: number, usage: string): void {
  if (positionals.length < least) throw invalid(`Something is missing: ${usage}`)
  if (positionals.length > most) {
    throw invalid(`There is one word too many, "${positionals[most]}": ${usage}. Words with spaces go in quotes.`)
  }
}

function tokens<T extends object>(flags: Flags<T>, args: readonly string[]) {
  const options: Record<string, { type: 'string' | 'boolean'; short?: string }> = {
    help: { type: 'boolean', short: 'h' },
  }
  for (const member of Object.keys(flags) as (keyof T & string)[]) {
    options[toFlagName(member)] = { type: flags[member].value === undefined ? 'boolean' : 'string' }
  }
  // Not strict: the checks here say more than "unknown option".
  return parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true }).tokens
}

function unknownFlag<T extends object>(command: string, flags: Flags<T>, written: string): TidingsError {
  const members = Object.keys(flags) as (keyof T & string)[]
  const known = [
    ...members.flatMap(member =>
      flags[member].negatable ? [toFlagName(member), `no-${toFlagName(member)}`] : [toFlagName(member)],
    ),
    'help',
  ]
  const name = written.replace(/^-+/, '')
  const meant = nearest(name, known) ?? known.find(each => each.endsWith(`-${name}`))
  const hint = meant ? `Did you mean --${meant}?` : `See tidings ${command} --help.`
  return invalid(`tidings ${command} has no option ${written}. ${hint}`)
}

function invalid(message: string): TidingsError {
  return new TidingsError('invalid-setting', message)
}
