import { TidingsError } from '../wire/errors.js'

/** Where an element of a body is, and what only its text can tell. */
export interface ScannedElement {
  /** Where it begins and ends. */
  readonly from: number
  to: number
  readonly isObject: boolean
  /** Members as they are written; more than the parsed object has, if one is there twice. */
  members: number
  /** Where the value of the last member of the name that is looked for begins and ends; 0 and 0: there is none. */
  valueFrom: number
  valueTo: number
  /** That value has a number that a double does not hold as it is written, such as a long id. */
  hasLossyNumber: boolean
}

export interface ScanOptions {
  /** Arrays and objects within each other, the outermost included. */
  readonly maxDepth: number
  /** Elements of the outermost array. */
  readonly maxElements: number
  /** The line of the body on which `text` begins, for errors. Default: 1. */
  readonly firstLine?: number
  /** The member that is looked for. Default: `data`. */
  readonly member?: string
}

/**
 * Checks that `text` is JSON (RFC 8259), and finds what it is or, being an array, holds.
 *
 * Goes before `JSON.parse` for what that does not do: it says on which line and column what was expected, it is bounded
 * (parsing makes up to forty bytes of one, as of brackets in brackets), and it finds numbers that parsing alters. What it finds is
 * parsed one by one.
 *
 * Throws `invalid-json`, or `too-many-events` above `maxElements`. The text is gone through once.
 */
export function scanJson(
  text: string,
  options: ScanOptions,
): { readonly isArray: boolean; readonly elements: readonly ScannedElement[] } {
  return new Scanner(text, options).run()
}

const quote = 0x22
const backslash = 0x5c
// Up to so many digits, decimal to double and back is the identity (IEEE 754, DBL_DIG).
const safeDigits = 15
const numberForm = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const stringEscape = /["\\/bfnrt]|u[0-9a-fA-F]{4}/y

class Scanner {
  readonly #text: string
  readonly #options: ScanOptions
  readonly #elements: ScannedElement[] = []
  #at = 0
  #depth = 0
  #hasLossyNumber = false

  constructor(text: string, options: ScanOptions) {
    this.#text = text
    this.#options = options
  }

  run(): { readonly isArray: boolean; readonly elements: readonly ScannedElement[] } {
    this.#space()
    const isArray = this.#text[this.#at] === '['
    if (isArray) this.#array(() => this.#element())
    else this.#element()
    this.#space()
    if (this.#at < this.#text.length) this.#fail('nothing after the value')
    return { isArray, elements: this.#elements }
  }

  /** An element of the outermost array, or the whole. */
  #element(): void {
    const { maxElements } = this.#options
    if (this.#elements.length === maxElements) {
      throw new TidingsError('too-many-events', `An array has at most ${maxElements} events.`)
    }
    const from = this.#at
    const isObject = this.#text[from] === '{'
    const element: ScannedElement = {
      from,
      to: from,
      isObject,
      members: 0,
      valueFrom: 0,
      valueTo: 0,
      hasLossyNumber: false,
    }
    this.#elements.push(element)
    if (isObject) this.#object(element)
    else this.#value()
    element.to = this.#at
  }

  #value(): void {
    const char = this.#text[this.#at]
    if (char === '"') this.#string()
    else if (char === '{') this.#object(undefined)
    else if (char === '[') this.#array(() => this.#value())
    else if (char === 't') this.#word('true')
    else if (char === 'f') this.#word('false')
    else if (char === 'n') this.#word('null')
    else this.#number()
  }

  #object(scanned: ScannedElement | undefined): void {
    this.#open()
    this.#space()
    if (this.#skip('}')) {
      this.#close()
      return
    }
    do {
      this.#space()
      const nameFrom = this.#at
      if (this.#text[this.#at] !== '"') this.#fail('a name in double quotes')
      this.#string()
      const nameTo = this.#at
      this.#space()
      if (!this.#skip(':')) this.#fail('":"')
      this.#space()
      const valueFrom = this.#at
      this.#hasLossyNumber = scanned ? false : this.#hasLossyNumber
      this.#value()
      if (scanned) {
        scanned.members++
        if (isNamed(this.#text.slice(nameFrom, nameTo), this.#options.member ?? 'data')) {
          scanned.valueFrom = valueFrom
          scanned.valueTo = this.#at
          scanned.hasLossyNumber = this.#hasLossyNumber
        }
      }
      this.#space()
    } while (this.#skip(','))
    if (!this.#skip('}')) this.#fail('"," or "}"')
    this.#close()
  }

  #array(element: () => void): void {
    this.#open()
    this.#space()
    if (this.#skip(']')) {
      this.#close()
      return
    }
    do {
      this.#space()
      element()
      this.#space()
    } while (this.#skip(','))
    if (!this.#skip(']')) this.#fail('"," or "]"')
    this.#close()
  }

  #open(): void {
    if (++this.#depth > this.#options.maxDepth) this.#fail(`at most ${this.#options.maxDepth} levels`)
    this.#at++
  }

  #close(): void {
    this.#depth--
  }

  #string(): void {
    const text = this.#text
    let at = this.#at + 1
    for (;;) {
      const code = text.charCodeAt(at)
      if (code === quote) {
        this.#at = at + 1
        return
      }
      if (code === backslash) {
        stringEscape.lastIndex = at + 1
        if (!stringEscape.test(text)) {
          this.#at = at
          this.#fail('one of the escapes of JSON')
        }
        at = stringEscape.lastIndex
      } else if (code >= 0x20) {
        at++
      } else {
        this.#at = at
        this.#fail(at < text.length ? 'control characters to be escaped' : 'the end of the text in double quotes')
      }
    }
  }

  #number(): void {
    numberForm.lastIndex = this.#at
    if (!numberForm.test(this.#text)) this.#fail('a value')
    const written = this.#text.slice(this.#at, numberForm.lastIndex)
    this.#at = numberForm.lastIndex
    if (!this.#hasLossyNumber && isLossy(written)) this.#hasLossyNumber = true
  }

  #word(word: string): void {
    if (!this.#text.startsWith(word, this.#at)) this.#fail('a value')
    this.#at += word.length
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      this.#at++
    }
  }

  #skip(char: string): boolean {
    if (this.#text[this.#at] !== char) return false
    this.#at++
    return true
  }

  #fail(expected: string): never {
    const before = this.#text.slice(0, this.#at)
    const line = (this.#options.firstLine ?? 1) + before.split('\n').length - 1
    const column = this.#at - before.lastIndexOf('\n')
    const what = this.#at < this.#text.length ? 'expected' : 'the text ends; expected'
    throw new TidingsError('invalid-json', `Not JSON: line ${line}, column ${column}: ${what} ${expected}.`)
  }
}

function isNamed(written: string, name: string): boolean {
  const isPlain = written.length === name.length + 2 && written.startsWith(name, 1)
  return isPlain || (written.includes('\\') && JSON.parse(written) === name)
}

function isLossy(written: string): boolean {
  const hasExponent = /[eE]/.test(written)
  if (written.length <= safeDigits && !hasExponent) return false
  const value = Number(written)
  if (String(value) === written) return false
  // An overflow would become null, an underflow 0.
  if (!Number.isFinite(value) || (value === 0 && /[1-9]/.test(written.replace(/[eE].*/, '')))) return true
  return written.replace(/[eE].*|[-.]/g, '').replace(/^0+/, '').length > safeDigits
}

/** JSON text without the white space between its tokens. */
export function compactJson(text: string): string {
  let out = ''
  let from = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (inString) {
      if (code === backslash) at++
      else if (code === quote) inString = false
    } else if (code === quote) {
      inString = true
    } else if (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) {
      out += text.slice(from, at)
      from = at + 1
    }
  }
  return out + text.slice(from)
}
