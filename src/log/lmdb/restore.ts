import { randomBytes } from 'node:crypto'
import { chown, link, mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { TidingsError } from '../../wire/errors.js'
import { type Copied, type CopyOptions, copyLog, flush } from './copy.js'
import { toOpenError } from './fault.js'
import { foreignFolder, foreignNames, isReplaced, isRestoring, makeFolder, systemCode } from './folder.js'
import { settleRestored } from './history.js'
import { readIdentity } from './identity.js'
import { metaKeys } from './layout.js'
import { isOwnerFile, type Ownership, takeOwnership } from './owner.js'
import { openReader } from './reader.js'
import { parseEpochs } from './session.js'
import { fileNames, loadDriver, openRoot, openTableOf } from './store.js'

export interface RestoreOptions extends CopyOptions {
  /** A log that is in the directory is kept, in a directory in it that bears the time, and replaced. Default: it is refused. */
  readonly replaces?: boolean | undefined
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly clock?: (() => number) | undefined
}

export interface Restored extends Copied {
  readonly directory: string
  /** Where the log is now that was there before; nothing: there was none. */
  readonly replaced: string | undefined
}

/**
 * Puts a copy of the log in `from` into `directory`, as a new epoch: readers who are ahead of it are told so.
 *
 * It is put together in a directory in `directory`, and moved to its place in one step when it is whole and on the disk. Cut off
 * before that, it leaves the log that was there, or else a directory that no hub takes for an empty log. No hub can open the
 * directory meanwhile.
 *
 * Rejects as `openReader` does of `from`, and with `log-in-use` (a hub has `directory`), `place-taken` (there is a log in it),
 * `log-foreign` (there is something else in it), `log-full`, `log-unavailable`, and `invalid-setting` (the two are the same).
 */
export async function restoreLog(from: string, directory: string, options: RestoreOptions = {}): Promise<Restored> {
  const folder = resolve(directory)
  if (resolve(from) === folder) {
    throw new TidingsError('invalid-setting', `${folder} cannot be restored from itself. Name another directory.`)
  }
  const source = await openReader(from)
  try {
    const wasThere = await checkTarget(folder, options)
    const ownership = await takeTarget(folder)
    try {
      // A hub may have come and gone since.
      await checkTarget(folder, options)
      const restored = await restoreInto(source, folder, options)
      await ownership.release()
      return restored
    } catch (error) {
      await ownership.release({ isOurs: wasThere })
      if (!wasThere) await rmdir(folder).catch(() => undefined)
      throw await toOpenError(error, folder)
    }
  } finally {
    await source.close()
  }
}

/** Whether the directory was there; it is now. */
async function checkTarget(folder: string, { replaces }: RestoreOptions): Promise<boolean> {
  let names: readonly string[]
  let wasThere = true
  try {
    names = await readdir(folder)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw await toOpenError(error, folder)
    wasThere = false
    names = []
    await makeFolder(folder)
  }
  if (names.includes(fileNames.data)) {
    if (replaces) return wasThere
    throw new TidingsError(
      'place-taken',
      `${folder} holds a log. Move it away first, or have it replaced and kept beside the other (--replace).`,
    )
  }
  const foreign = foreignNames(names).filter(name => !isRestoring(name) && !isReplaced(name))
  if (foreign.length > 0) throw foreignFolder(folder, foreign)
  return wasThere
}

async function takeTarget(folder: string): Promise<Ownership> {
  try {
    return await takeOwnership(folder)
  } catch (error) {
    throw await toOpenError(error, folder)
  }
}

async function restoreInto(
  source: Awaited<ReturnType<typeof openReader>>,
  folder: string,
  options: RestoreOptions,
): Promise<Restored> {
  // Nobody else can be restoring here: what is left of that was cut off.
  for (const name of (await readdir(folder)).filter(isRestoring)) await rm(join(folder, name), { recursive: true })
  const unfinished = join(folder, `restoring-${randomBytes(8).toString('hex')}`)
  options.onBegin?.(unfinished)
  try {
    await mkdir(unfinished, { mode: 0o700 })
    const copied = await copyLog(source, unfinished, options)
    const epochs = await beginEpoch(unfinished)
    const file = join(unfinished, fileNames.data)
    await giveToOwnerOf(folder, [file])
    await flush(file)
    const replaced = await keepOld(folder, options.clock ?? Date.now)
    await rename(file, join(folder, fileNames.data))
    await flush(folder)
    return { ...copied, epochs, directory: folder, replaced }
  } finally {
    await rm(unfinished, { recursive: true, force: true })
    await giveToOwnerOf(
      folder,
      (await readdir(folder)).filter(isOwnerFile).map(name => join(folder, name)),
    )
  }
}

async function beginEpoch(folder: string): Promise<Restored['epochs']> {
  const root = openRoot(await loadDriver(), folder, { overlapping: false })
  try {
    const meta = openTableOf(root, 'meta')
    const identity = await readIdentity(folder)
    root.transactionSync(() => settleRestored({ meta }, identity))
    return parseEpochs(meta.get(metaKeys.epochs) as Buffer)
  } finally {
    await root.close()
  }
}

/**
 * Keeps the log that is in the directory under a second name, so that it is there under its own until another takes it. Its
 * `lock.mdb` goes along: those who still read it, and those who open the other, have nothing to say to each other.
 */
async function keepOld(folder: string, clock: () => number): Promise<string | undefined> {
  const names = await readdir(folder)
  if (!names.includes(fileNames.data)) return undefined
  const stamp = new Date(clock()).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  let kept = `replaced-${stamp}`
  for (let i = 2; names.includes(kept); i++) kept = `replaced-${stamp}-${i}`
  const place = join(folder, kept)
  await mkdir(place, { mode: 0o700 })
  await giveToOwnerOf(folder, [place])
  if (names.includes(fileNames.lock)) await rename(join(folder, fileNames.lock), join(place, fileNames.lock))
  try {
    await link(join(folder, fileNames.data), join(place, fileNames.data))
  } catch (error) {
    // Some file systems have no second names; then there is a moment without a log, in which no hub can open it either.
    if (systemCode(error) === undefined) throw error
    await rename(join(folder, fileNames.data), join(place, fileNames.data))
  }
  await flush(place)
  return place
}

/** Root restores for the user whose hub it is, whose the directory is. */
async function giveToOwnerOf(folder: string, paths: readonly string[]): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(folder)
  for (const path of paths) await chown(path, uid, gid)
}
