import { TidingsError } from '../wire/errors.js'

/** Exit codes of every command. */
export const exitCodes = {
  done: 0,
  /** Something failed that the command could not help, or a check found something wrong: it says what. */
  failure: 1,
  /** The command was called wrongly: it says how to call it. */
  usage: 2,
  /** The hub refused some of what it was sent, and was given the rest. */
  refused: 3,
  /** The hub could not be reached for so long that the command gave up. */
  unreachable: 4,
} as const

/** The exit code of a command that was rejected with `error`. */
export function exitCodeOf(error: unknown): number {
  return error instanceof TidingsError && error.code === 'invalid-setting' ? exitCodes.usage : exitCodes.failure
}
