import type { RetentionRule } from '../../log/log.js'
import { compileRetention } from '../../log/retention.js'
import { TidingsError } from '../../wire/errors.js'

/** Where a value stands: as a flag, in a variable, in the file. */
export interface Where {
  /** The error of a value that is not what it must be. `rule` says so; `at`: where inside of the value, such as `[1]`. */
  fault(rule: string, at?: string): TidingsError
  /** How `value` would be written there. */
  write(value: string): string
}

/** What the value of a setting must be, and how it is written in each of the places where it may stand. */
export interface Kind<T> {
  /** What the value is called in the help; a switch has none. */
  readonly value?: string
  /** Takes any number of texts: a flag may be repeated, a variable has commas. */
  readonly isList?: boolean
  /** What it must be, in a few words. */
  readonly rule: string
  /** Of flags and variables. One text, unless it is a list. Throws a fault of `where`. */
  fromTexts(texts: readonly string[], where: Where): T
  /** Of the file. Throws a fault of `where`. */
  fromJson(value: unknown, where: Where): T
  /** As the file would have it. */
  toJson(value: T): unknown
}

/** A value in an error: as JSON would have it, and not longer than a line takes. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

interface TextOptions<T> {
  readonly value: string
  readonly rule: string
  /** Throws, with what is wrong as its message, `rule` being said before it; nothing: `rule` says it all. */
  parse(text: string, where: Where): T
}

/** A text that stands for something. */
export function text<T extends { toString(): string } | string>(
  options: TextOptions<T> & { readonly write?: (value: T) => string },
): Kind<T> {
  const { value, rule, parse, write = String } = options
  return {
    value,
    rule,
    fromTexts: ([given = ''], where) => parse(given, where),
    fromJson(given, where) {
      if (typeof given !== 'string') throw where.fault(`${show(given)} is no text; write ${rule}, in quotes.`)
      return parse(given, where)
    },
    toJson: write,
  }
}

/** A whole number within bounds. `what`: what it is called if not simply that. */
export function wholeNumber(
  value: string,
  [, least, most]: readonly [unknown, number, number],
  what?: string,
): Kind<number> {
  const bounds = most === Number.MAX_SAFE_INTEGER ? `of ${least} or more` : `from ${least} to ${most}`
  const rule = `a whole number ${bounds}`
  const check = (number: number, given: unknown, where: Where): number => {
    if (Number.isSafeInteger(number) && number >= least && number <= most) return number
    throw where.fault(`${show(given)} is not ${what ? `${what} (${rule})` : rule}.`)
  }
  return {
    value,
    rule,
    fromTexts: ([given = ''], where) => check(/^[0-9]+$/.test(given) ? Number(given) : Number.NaN, given, where),
    fromJson(given, where) {
      if (typeof given === 'string' && /^[0-9]+$/.test(given)) {
        throw where.fault(`${show(given)} is a text; write the number without quotes.`)
      }
      return check(typeof given === 'number' ? given : Number.NaN, given, where)
    },
    toJson: number => number,
  }
}

const words: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['0', false],
])

/** Yes or no. */
export const yesOrNo: Kind<boolean> = {
  rule: 'true or false',
  fromTexts([given = ''], where) {
    const isYes = words.get(given.toLowerCase())
    if (isYes === undefined) throw where.fault(`${show(given)} is neither true nor false.`)
    return isYes
  },
  fromJson(given, where) {
    if (typeof given !== 'boolean') throw where.fault(`${show(given)} is neither true nor false.`)
    return given
  },
  toJson: isYes => isYes,
}

/** One of a few words. */
export function choice<T extends string>(value: string, choices: readonly T[]): Kind<T> {
  const rule = `one of ${choices.join(', ')}`
  return text({
    value,
    rule,
    parse(given, where) {
      const chosen = choices.find(word => word === given)
      if (chosen === undefined) throw where.fault(`${show(given)} is not ${rule}.`)
      return chosen
    },
  })
}

/** A list of texts. `check` says what is wrong with one; nothing: it is good. */
export function list(options: {
  readonly value: string
  readonly rule: string
  readonly least?: number
  readonly most?: number
  check(text: string): string | undefined
}): Kind<readonly string[]> {
  const { value, rule, least = 0, most = 1000, check } = options
  const checked = (texts: readonly string[], where: Where, at: (i: number) => string | undefined) => {
    if (texts.length < least || texts.length > most)
      throw where.fault(`has ${texts.length} entries; it takes ${least} to ${most}.`)
    return texts.map((given, i) => {
      const why = check(given)
      if (why) throw where.fault(`${why}.`, at(i))
      return given
    })
  }
  return {
    value,
    isList: true,
    rule,
    fromTexts: (texts, where) => checked(texts, where, () => undefined),
    fromJson(given, where) {
      if (!Array.isArray(given)) throw where.fault(`${show(given)} is no list; write ["..."].`)
      const texts = given.map((entry: unknown, i) => {
        if (typeof entry !== 'string') throw where.fault(`${show(entry)} is no text.`, `[${i}]`)
        return entry
      })
      return checked(texts, where, i => `[${i}]`)
    },
    toJson: texts => texts,
  }
}

/** Rules of retention, as the log takes them: it checks them itself, and names the path inside of them. */
export const retentionRules: Kind<readonly RetentionRule[]> = {
  value: 'JSON',
  rule: 'a list of rules',
  fromTexts([given = ''], where) {
    let rules: unknown
    try {
      rules = JSON.parse(given)
    } catch {
      throw where.fault(`${show(given)} is no JSON; write rules like [{"selector": "**", "ageMs": 86400000}].`)
    }
    return checkRules(rules, where)
  },
  fromJson: checkRules,
  toJson: rules => rules,
}

function checkRules(given: unknown, where: Where): readonly RetentionRule[] {
  if (!Array.isArray(given)) {
    throw where.fault(`${show(given)} is no list of rules like [{"selector": "**", "ageMs": 86400000}].`)
  }
  try {
    compileRetention(given)
  } catch (error) {
    if (!(error instanceof TidingsError)) throw error
    // "retention[1].ageMs is ..."
    const [, at = '', rule = ''] = /^retention(\S*) ([\s\S]*)$/.exec(error.message) ?? []
    throw where.fault(rule, at)
  }
  return given
}

/** A text that is never shown, not in an error either. */
export function secret(options: { readonly rule: string; readonly form: RegExp }): Kind<string> {
  const { rule, form } = options
  const check = (given: unknown, where: Where): string => {
    if (typeof given === 'string' && form.test(given)) return given
    throw where.fault(`is not ${rule}. (What was given is not shown, for it is a secret.)`)
  }
  return {
    value: 'SECRET',
    rule,
    fromTexts: ([given], where) => check(given, where),
    // What was printed may be read again, as long as the secret itself comes from elsewhere.
    fromJson: (given, where) => (given === secretShown ? given : check(given, where)),
    toJson: () => secretShown,
  }
}

/** What is printed in the place of a secret. */
export const secretShown = '(secret)'
