import { exitCodeOf, exitCodes } from '../exit-codes.js'
import type { Log } from '../logger.js'

/** Runs `job` as a whole process, and tells how it failed if it does. Resolves to the exit code. */
export async function untilItEnds({ logger }: Log, job: () => Promise<void>): Promise<number> {
  const crash = (error: unknown): void => {
    logger.fatal({ err: error }, 'The hub met with something that nobody expected, and ends.')
    process.exit(exitCodes.failure)
  }
  // Before the listener of the program, which knows no log.
  process.prependListener('uncaughtException', crash)
  try {
    await job()
    return exitCodes.done
  } catch (error) {
    logger.fatal({ err: error }, 'The hub cannot run.')
    return exitCodeOf(error)
  } finally {
    process.off('uncaughtException', crash)
  }
}
