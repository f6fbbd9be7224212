import { TidingsError } from '../../wire/errors.js'
import { checkEventId, checkKey, checkTopic, checkType } from '../../wire/names.js'
import { checkPositionals, type Flag, type Flags, readFlags } from '../flags.js'
import { durationFlag } from '../hub-client/duration-flag.js'
import { urlFlag } from '../hub-client/hub-url.js'

/** The options of `tidings publish`. */
export interface PublishFlags {
  readonly url: URL | undefined
  readonly type: string | undefined
  readonly key: string | undefined
  readonly eventId: string | undefined
  readonly end: boolean
  readonly json: boolean
  /** Infinite: never. */
  readonly giveUpAfter: number
}

/** What `tidings publish` is told, complete and checked. */
export interface PublishOptions extends PublishFlags {
  /** Of object lines, that of those that name none. */
  readonly topic: string | undefined
  /** Nothing: lines are read from standard input. */
  readonly data: string | undefined
}

const usage = 'tidings publish TOPIC [DATA]'

export const publishFlags: Flags<PublishFlags> = {
  url: urlFlag,
  type: nameFlag('--type', 'TYPE', 'Type of the events, such as trade.', checkType),
  key: nameFlag('--key', 'KEY', 'Key of the events: which thing they are states of.', checkKey),
  eventId: nameFlag('--event-id', 'ID', 'Your own name for the event. With DATA only.', checkEventId),
  end: {
    initial: false,
    help: 'The event, or the last line, is the last of its topic.',
    parse: text => text === 'yes',
  },
  json: {
    initial: false,
    help: 'Each line is an event object: {"topic": ..., "data": ...}; TOPIC is then that of those that name none.',
    parse: text => text === 'yes',
  },
  giveUpAfter: durationFlag('--give-up-after', {
    initialMs: 90_000,
    shown: '90s',
    leastMs: 0,
    takesNever: true,
    help: 'How long the hub may stay away before this ends; or never. See below.',
  }),
}

/** Throws `invalid-setting`, which says what was wrong and what to do. */
export function readPublishOptions(args: readonly string[]): PublishOptions | 'help' {
  const read = readFlags('publish', publishFlags, args)
  if (read === 'help') return read
  const { values, positionals } = read
  checkPositionals(positionals, values.json ? 0 : 1, 2, usage)
  const [topic, data] = positionals
  if (topic !== undefined) named('TOPIC', topic, checkTopic)
  if (values.json) {
    if (data !== undefined) throw invalid('With --json, events are lines of standard input; leave out DATA.')
    const member =
      values.type !== undefined ? 'type' : values.key !== undefined ? 'key' : values.end ? 'end' : undefined
    if (member) throw invalid(`With --json, "${member}" is a member of each event object; leave out --${member}.`)
  }
  if (data === undefined && values.eventId !== undefined) {
    throw invalid('--event-id names one event: give its DATA too. With --json, each line has its own "eventId".')
  }
  return { ...values, topic, data }
}

function nameFlag(flag: string, value: string, help: string, check: (text: string) => void): Flag<string | undefined> {
  return {
    value,
    initial: undefined,
    help,
    parse: text => {
      named(flag, text, check)
      return text
    },
  }
}

function named(name: string, text: string, check: (text: string) => void): void {
  try {
    check(text)
  } catch (error) {
    if (error instanceof TidingsError) throw invalid(`${name}: ${JSON.stringify(text)}: ${error.message}`)
    throw error
  }
}

function invalid(message: string): TidingsError {
  return new TidingsError('invalid-setting', message)
}
