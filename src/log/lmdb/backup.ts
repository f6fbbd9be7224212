import { randomBytes } from 'node:crypto'
import { lstat, mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { TidingsError } from '../../wire/errors.js'
import { type Copied, type CopyOptions, copyLog, flush } from './copy.js'
import { systemCode } from './folder.js'
import { openReader } from './reader.js'
import { fileNames } from './store.js'

export interface Backup extends Copied {
  /** Where it is. */
  readonly directory: string
  /** By how many bytes the file of the log has grown meanwhile. */
  readonly grownBytes: number
}

/**
 * Copies one state of the log in `directory`, also while hubs use it, to the new directory `to`, which is a log directory by
 * itself. Every event that was answered before the call is in it. It stands under its name only when it is whole, was compared
 * with itself, and is on the disk; before, it is in `TO.partial-...`.
 *
 * While it is copied, LMDB writes to no page that the copied state uses: what a hub replaces or trims meanwhile makes its
 * file grow, and the room is used again later.
 *
 * Rejects as `openReader`, and with `place-taken` (there is something at `to`), `log-full`, and `log-unavailable` (`to` cannot
 * be made).
 */
export async function backupLog(directory: string, to: string, options: CopyOptions = {}): Promise<Backup> {
  const target = resolve(to)
  await checkFree(target)
  const reader = await openReader(directory)
  const unfinished = `${target}.partial-${randomBytes(8).toString('hex')}`
  try {
    const source = join(reader.folder, fileNames.data)
    const { size } = await stat(source)
    options.onBegin?.(unfinished)
    await makeUnfinished(unfinished)
    const copied = await copyLog(reader, unfinished, options)
    await checkFree(target)
    await rename(unfinished, target)
    await flush(dirname(target))
    return { ...copied, directory: target, grownBytes: Math.max(0, (await stat(source)).size - size) }
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    throw error
  } finally {
    await reader.close()
  }
}

/** A rename replaces an empty directory, and nothing else. */
async function checkFree(target: string): Promise<void> {
  try {
    await lstat(target)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return
    throw new TidingsError('log-unavailable', `${target} cannot be looked at (${systemCode(error)}).`, { cause: error })
  }
  throw new TidingsError('place-taken', `There is already something at ${target}. Name a place that is not there yet.`)
}

async function makeUnfinished(unfinished: string): Promise<void> {
  try {
    await mkdir(unfinished, { mode: 0o700 })
  } catch (error) {
    throw new TidingsError('log-unavailable', `The directory ${unfinished} cannot be made (${systemCode(error)}).`, {
      cause: error,
    })
  }
}
