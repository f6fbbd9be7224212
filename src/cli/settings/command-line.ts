import { TidingsError } from '../../wire/errors.js'
import { type Flag, type Flags, readFlags } from '../flags.js'
import { Gathering, type Given } from './given.js'
import { flagOf } from './names.js'
import type { SettingPath } from './settings.js'
import { settingPaths, table } from './table.js'

/** What stands on the command line beside the settings. */
interface Call {
  readonly config: string | undefined
  readonly printConfig: boolean
}

/** What `tidings serve` was told on its command line. */
export interface CommandLine extends Call {
  readonly given: Given
}

type Texts = { readonly [Path in SettingPath]: readonly string[] }

const callFlags: Flags<Call> = {
  config: {
    value: 'FILE',
    initial: undefined,
    help: 'Read settings from this JSON file; SIGHUP reads it again. Also TIDINGS_CONFIG.',
    parse: file => file,
  },
  printConfig: {
    initial: false,
    help: 'Print the settings that hold as JSON, and on the error stream where each came from; run nothing.',
    parse: word => word === 'yes',
  },
}

const settingFlags = Object.fromEntries(settingPaths.map(path => [path, flagFor(path)])) as Flags<Texts>

/** All flags of `tidings serve`. */
export const serveFlags: Flags<Call & Texts> = { ...callFlags, ...settingFlags }

function flagFor(path: SettingPath): Flag<readonly string[]> {
  const { kind, help } = table[path]
  return {
    ...(kind.value === undefined ? { negatable: true } : { value: kind.value }),
    ...(kind.isList && { repeatable: true }),
    initial: [],
    help,
    parse: (text, before) => [...before, text],
  }
}

/** Throws `invalid-setting`, which says what was wrong, the nearest right name, and what to do. */
export function readCommandLine(args: readonly string[]): CommandLine | 'help' {
  const read = readFlags('serve', serveFlags, args)
  if (read === 'help') return read
  const [argument] = read.positionals
  if (argument !== undefined) {
    throw new TidingsError(
      'invalid-setting',
      `tidings serve takes no argument "${argument}". Options begin with "--"; see tidings serve --help.`,
    )
  }
  const given = new Gathering()
  for (const path of settingPaths) {
    if (!read.given.has(path)) continue
    const texts = read.values[path]
    const isTakenBack = table[path].kind.value === undefined && texts.at(-1) === 'no'
    const name = isTakenBack ? `--no-${flagOf(path).slice(2)}` : flagOf(path)
    given.addTexts(path, texts, { kind: 'flag', name })
  }
  return { given, config: read.values.config, printConfig: read.values.printConfig }
}
