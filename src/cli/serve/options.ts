import { nearest } from '../../http/nearest.js'
import { TidingsError } from '../../wire/errors.js'
import { type Flags, readFlags } from '../flags.js'

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

/** All options of `tidings serve`: what is parsed, checked and shown as help comes from here. */
export const serveOptions: Flags<ServeOptions> = {
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

/** Throws `invalid-setting`, which says what was wrong, the nearest right name, and what to do. */
export function readServeOptions(args: readonly string[]): ServeOptions | 'help' {
  const read = readFlags('serve', serveOptions, args)
  if (read === 'help') return read
  const [argument] = read.positionals
  if (argument === undefined) return read.values
  throw invalid(`tidings serve takes no argument "${argument}". Options begin with "--"; see tidings serve --help.`)
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
