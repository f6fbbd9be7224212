import { exitCodes } from '../exit-codes.js'
import type { Refusal } from './verdict.js'

/** A command ends here: with a message, which may be empty if all is said, and an exit code. */
export class CommandEnd extends Error {
  override readonly name = 'CommandEnd'
  readonly exitCode: number

  constructor(exitCode: number, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

/** The hub refused what was asked as a whole. */
export function refusedEnd(refusal: Refusal): CommandEnd {
  return new CommandEnd(exitCodes.refused, `The hub refused it: ${refusal.detail} (${refusal.code})`)
}

/** What answers is no hub: trying again is of no use. */
export function foreignEnd(why: string): CommandEnd {
  return new CommandEnd(exitCodes.failure, why)
}
