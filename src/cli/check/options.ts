import { TidingsError } from '../../wire/errors.js'
import { checkPositionals, type Flags, readFlags } from '../flags.js'

/** What `tidings check` is told. */
export interface CheckOptions {
  readonly config: string | undefined
  readonly backup: string | undefined
  readonly restore: string | undefined
  readonly replace: boolean
  readonly quick: boolean
  readonly json: boolean
}

export const checkOptions: Flags<CheckOptions> = {
  config: {
    value: 'FILE',
    initial: undefined,
    help: 'Settings are in this file, as tidings serve has them. Without DIR, only they are checked.',
    parse: text => text,
  },
  backup: {
    value: 'TO',
    initial: undefined,
    help: 'Copy the log to the new directory TO, also while hubs use it.',
    parse: text => text,
  },
  restore: {
    value: 'FROM',
    initial: undefined,
    help: 'Put the copy in the directory FROM into DIR, as a new epoch.',
    parse: text => text,
  },
  replace: {
    initial: false,
    help: 'With --restore: replace the log that is in DIR, and keep it in DIR/replaced-TIME.',
    parse: text => text === 'yes',
  },
  quick: {
    initial: false,
    help: 'Do not compare the indexes with the events, which takes some 10 s for a million of them.',
    parse: text => text === 'yes',
  },
  json: {
    initial: false,
    help: 'Write one JSON object, also for what is wrong.',
    parse: text => text === 'yes',
  },
}

/** What is to be done, complete. */
export interface CheckCall extends CheckOptions {
  readonly task: 'settings' | 'examine' | 'backup' | 'restore'
  /** Nothing: the log that the settings name. */
  readonly directory: string | undefined
}

/** Throws `invalid-setting`, which says what was wrong, and what to do. */
export function readCheckCall(args: readonly string[]): CheckCall | 'help' {
  const read = readFlags('check', checkOptions, args)
  if (read === 'help') return read
  const { values, positionals } = read
  checkPositionals(positionals, 0, 1, 'tidings check [DIR]')
  const { backup, restore, replace, quick, config } = values
  if (backup !== undefined && restore !== undefined) throw unfit('--backup and --restore are two things; do one first.')
  if (replace && restore === undefined) throw unfit('--replace belongs to --restore FROM.')
  if (quick && (backup ?? restore) !== undefined) throw unfit('--quick belongs to an examination; a copy is compared.')
  const [directory] = positionals
  if (directory === '') throw unfit('The directory has no name.')
  const isConfigOnly = config !== undefined && directory === undefined
  if (quick && isConfigOnly) throw unfit('--quick belongs to an examination; name the directory of a log too.')
  const task =
    backup !== undefined ? 'backup' : restore !== undefined ? 'restore' : isConfigOnly ? 'settings' : 'examine'
  return { ...values, directory, task }
}

function unfit(message: string): TidingsError {
  return new TidingsError('invalid-setting', message)
}
