import { parseArgs } from 'node:util'
import { nearest } from '../http/nearest.js'
import { TidingsError } from '../wire/errors.js'

/** Where the log is kept: in this process, or in a directory. */
export type LogPlace = { readonly kind: 'memory' } | { readonly kind: 'lmdb'; readonly directory: string }

/** What `tidings serve` is told, complete. */
export interface ServeOptions {
  readonly host: string
  readonly port: number
  readonly log: LogPlace
  /** Whether it is meant that everybody who reaches the address may publish and subscribe. */
  readonly open: boolean
  readonly demo: boolean
}

interface Option<T> {
  /** What the value is called in the help; an option without one is a flag. */
  readonly value?: string
  /** A flag that `--no-NAME` takes back. */
  readonly negatable?: boolean
  readonly initial: T
  /** The default as the help shows it. */
  readonly shown?: string
  readonly help: string
  /** Of flags: `yes` or `no`. Throws `invalid-setting`. */
  parse(text: string): T
}

/** All options of `tidings serve`: what is parsed, checked and shown as help comes from here. */
export const serveOptions: { readonly [K in keyof ServeOptions]: Option<ServeOptions[K]> } = {
  host: {
    value: 'ADDRESS',
    initial: '127.0.0.1',
    shown: '127.0.0.1',
    help: 'Address to listen on. Any that is not loopback needs --open.',
    parse: text => {
      if (/^[0-9A-Za-z.:%_-]+$/.test(text)) return text
      throw invalid(`--host: "${text}" is not an address. Give a host name or an IP address, such as --host 127.0.0.1.`)
    },
  },
  port: {
    value: 'PORT',
    initial: 8080,
    shown: '8080',
    help: 'Port to listen on; 0 takes any that is free.',
    parse: text => {
      const port = Number(text)
      if (/^[0-9]{1,5}$/.test(text) && port <= 65_535) return port
      throw invalid(`--port: "${text}" is not a port. Give a number from 0 to 65535, such as --port 9000.`)
    },
  },
  log: {
    value: 'KIND:PLACE',
    initial: { kind: 'lmdb', directory: '.tidings' },
    shown: 'lmdb:.tidings',
    help: 'Where events are kept: lmdb:DIRECTORY, or memory: (gone when the hub ends).',
    parse: toLogPlace,
  },
  open: {
    initial: false,
    help: 'Yes, everybody who reaches the address may publish and subscribe.',
    parse: text => text === 'yes',
  },
  demo: {
    negatable: true,
    initial: false,
    help: 'Feed the topics clock and host/... with the time and the figures of this machine.',
    parse: text => text === 'yes',
  },
}

const names = Object.keys(serveOptions) as readonly (keyof ServeOptions)[]

/**
 * Reads the options of `tidings serve`; of an option that is given twice, the last counts.
 * Throws `invalid-setting`, which says what was wrong, the nearest right name, and what to do.
 */
export function readServeOptions(args: readonly string[]): ServeOptions | 'help' | 'version' {
  const chosen = {
    host: serveOptions.host.initial,
    port: serveOptions.port.initial,
    log: serveOptions.log.initial,
    open: serveOptions.open.initial,
    demo: serveOptions.demo.initial,
  }
  const set = <K extends keyof ServeOptions>(into: { [P in K]: ServeOptions[P] }, name: K, text: string): void => {
    into[name] = serveOptions[name].parse(text)
  }
  for (const token of tokens(args)) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') {
      throw invalid(
        `tidings serve takes no argument "${token.value}". Options begin with "--"; see tidings serve --help.`,
      )
    }
    if (token.name === 'help' || token.name === 'h') return 'help'
    if (token.name === 'version') return 'version'
    const negated = names.find(name => serveOptions[name].negatable && token.name === `no-${name}`)
    const name = negated ?? names.find(known => known === token.name)
    if (!name) throw unknownOption(token.rawName)
    if (serveOptions[name].value === undefined) {
      if (token.value !== undefined) throw invalid(`${token.rawName} takes no value; leave out "=${token.value}".`)
      set(chosen, name, negated ? 'no' : 'yes')
    } else {
      if (!token.value) throw invalid(`${token.rawName} needs a value: ${token.rawName} ${serveOptions[name].value}.`)
      set(chosen, name, token.value)
    }
  }
  return chosen
}

/** The options as lines of a help text. */
export function describeServeOptions(): string {
  const rows = names.map(name => {
    const { value, negatable, shown, help } = serveOptions[name]
    const left = `--${negatable ? '[no-]' : ''}${name}${value ? ` ${value}` : ''}`
    return [left, shown ? `${help} Default: ${shown}` : help] as const
  })
  rows.push(['--help', 'Show this.'], ['--version', 'Show which version this is.'])
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('')
}

function tokens(args: readonly string[]) {
  const options: Record<string, { type: 'string' | 'boolean'; short?: string }> = {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean' },
  }
  for (const name of names) {
    options[name] = { type: serveOptions[name].value === undefined ? 'boolean' : 'string' }
  }
  // Not strict: the checks here say more than "unknown option".
  return parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true }).tokens
}

function unknownOption(written: string): TidingsError {
  const known = [
    ...names.flatMap(name => (serveOptions[name].negatable ? [name, `no-${name}`] : [name])),
    'help',
    'version',
  ]
  const meant = nearest(written.replace(/^-+/, ''), known)
  const hint = meant ? `Did you mean --${meant}?` : `The options are ${known.map(name => `--${name}`).join(', ')}.`
  return invalid(`tidings serve has no option ${written}. ${hint}`)
}

function toLogPlace(text: string): LogPlace {
  const colon = text.indexOf(':')
  const kind = colon < 0 ? text : text.slice(0, colon)
  const place = colon < 0 ? '' : text.slice(colon + 1)
  if (colon >= 0 && kind === 'memory') {
    if (place === '') return { kind: 'memory' }
    throw invalid(`--log: a log in memory has no place; write --log memory: instead of "${text}".`)
  }
  if (colon >= 0 && kind === 'lmdb') {
    if (place !== '') return { kind: 'lmdb', directory: place }
    throw invalid('--log: "lmdb:" lacks its directory; write it behind the colon, such as --log lmdb:.tidings.')
  }
  const meant = nearest(kind, ['lmdb', 'memory'])
  const hint =
    meant === 'memory'
      ? 'Did you mean --log memory:?'
      : meant === 'lmdb'
        ? `Did you mean --log lmdb:${place || 'DIRECTORY'}?`
        : /[/.\\]/.test(text)
          ? `A directory is written --log lmdb:${text}.`
          : 'Write lmdb:DIRECTORY or memory:.'
  throw invalid(`--log: "${text}" names no log. ${hint}`)
}

function invalid(message: string): TidingsError {
  return new TidingsError('invalid-setting', message)
}
