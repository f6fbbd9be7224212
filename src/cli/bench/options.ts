import { checkPositionals, type Flags, flagFault, readFlags, wholeNumberFlag } from '../flags.js'
import { durationFlag } from '../hub-client/duration-flag.js'
import { urlFlag } from '../hub-client/hub-url.js'
import { leastDataBytes } from './marked-data.js'
import { transports } from './transports.js'

/** What `tidings bench` is told, complete and checked. */
export interface BenchOptions {
  readonly url: URL | undefined
  readonly clients: number
  /** 0: as fast as the hub answers. */
  readonly rate: number
  /** Bytes of data of an event. */
  readonly size: number
  /** In milliseconds. */
  readonly duration: number
  readonly topics: number
  /** A name of `transports`. */
  readonly transport: string
  readonly json: boolean
  readonly yesLoadIt: boolean
}

const names = Object.keys(transports)

export const benchFlags: Flags<BenchOptions> = {
  url: urlFlag,
  clients: wholeNumberFlag('--clients', {
    value: 'NUMBER',
    initial: 100,
    least: 1,
    most: 200_000,
    help: 'How many listen.',
  }),
  rate: wholeNumberFlag('--rate', {
    value: 'NUMBER',
    initial: 50,
    least: 0,
    most: 1_000_000,
    help: 'Events a second, over all topics; 0: the next as soon as the one before it is answered.',
  }),
  size: wholeNumberFlag('--size', {
    value: 'BYTES',
    initial: 128,
    least: leastDataBytes,
    most: 16 * 1024 * 1024,
    help: 'Bytes of data of each event.',
  }),
  duration: durationFlag('--duration', {
    initialMs: 10_000,
    shown: '10s',
    leastMs: 100,
    mostMs: 86_400_000,
    help: 'How long events are published.',
  }),
  topics: wholeNumberFlag('--topics', {
    value: 'NUMBER',
    initial: 1,
    least: 1,
    most: 100_000,
    help: 'How many topics the events go to in turn; each client listens to one.',
  }),
  transport: {
    value: 'NAME',
    initial: 'event-stream',
    shown: 'event-stream',
    help: `How clients listen: ${names.join(', ')}.`,
    parse: text => {
      if (Object.hasOwn(transports, text)) return text
      throw flagFault('--transport', text, `is no way to listen; there are ${names.join(', ')}.`)
    },
  },
  json: {
    initial: false,
    help: 'Print the figures as one JSON object.',
    parse: text => text === 'yes',
  },
  yesLoadIt: {
    initial: false,
    help: 'Yes, load that hub, though it is on another machine.',
    parse: text => text === 'yes',
  },
}

/** Throws `invalid-setting`, which says what was wrong and what to do. */
export function readBenchOptions(args: readonly string[]): BenchOptions | 'help' {
  const read = readFlags('bench', benchFlags, args)
  if (read === 'help') return read
  checkPositionals(read.positionals, 0, 0, 'tidings bench [options]')
  return read.values
}
