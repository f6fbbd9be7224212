import { mkdir, readdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { TidingsError } from '../../wire/errors.js'
import { isOwnerFile } from './owner.js'
import { fileNames } from './store.js'

/** What the directory of a log may hold besides; `lost+found` is in the root of a disk of its own. */
const ownNames: ReadonlySet<string> = new Set([...Object.values(fileNames), 'lost+found'])

/**
 * Makes the directory if it is not there. Rejects with `log-foreign` unless all that is in it belongs to a log, or there is
 * nothing, and with `log-unavailable` if it cannot be made or looked at.
 */
export async function prepareFolder(folder: string): Promise<void> {
  let names: readonly string[]
  try {
    await makeFolder(folder)
    names = await readdir(folder)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST' || code === 'ENOTDIR') {
      throw new TidingsError('log-foreign', `${folder} is a file, or below one; a log is kept in a directory.`)
    }
    if (code === undefined) throw error
    throw new TidingsError('log-unavailable', `The directory ${folder} cannot be made or looked at (${code}).`, {
      cause: error,
    })
  }
  const foreign = foreignNames(names)
  if (foreign.length === 0 || names.includes(fileNames.data)) return
  throw unfinishedRestore(folder, names) ?? foreignFolder(folder, foreign)
}

/** The refusal of a directory in which there is something else than a log. */
export function foreignFolder(folder: string, foreign: readonly string[]): TidingsError {
  return new TidingsError(
    'log-foreign',
    `${folder} is not empty and holds no log (there is ${foreign.slice(0, 3).join(', ')}). Choose another directory, or a new one.`,
  )
}

/** What of `names` no log puts into its directory. */
export function foreignNames(names: readonly string[]): readonly string[] {
  return names.filter(name => !ownNames.has(name) && !isOwnerFile(name))
}

const restoring = /^restoring-[0-9a-f]{16}$/

/** Whether the name is that of a directory in which a log is put together that is to be restored. */
export function isRestoring(name: string): boolean {
  return restoring.test(name)
}

const replaced = /^replaced-[0-9]{8}T[0-9]{6}Z(-[0-9]+)?$/

/** Whether the name is that of a directory which keeps a log that a restored one has replaced. */
export function isReplaced(name: string): boolean {
  return replaced.test(name)
}

/** The refusal of a directory whose log was to be restored, where that was cut off; nothing if it was not. */
export function unfinishedRestore(folder: string, names: readonly string[]): TidingsError | undefined {
  const left = names.find(isRestoring)
  if (left === undefined) return undefined
  return new TidingsError(
    'log-foreign',
    `A log was being restored in ${folder}, which was cut off (${left}). Restore it again, or delete that directory.`,
  )
}

/**
 * Makes the directory and those that it is in. Not by `recursive`, which asks for ever where a directory that is there has
 * no room for another, such as /proc [Node.js 20.20].
 */
export async function makeFolder(folder: string): Promise<void> {
  const make = async (): Promise<string | undefined> => {
    try {
      await mkdir(folder, { mode: 0o700 })
      return undefined
    } catch (error) {
      const code = systemCode(error)
      if (code === 'EEXIST' || code === 'ENOENT') return code
      throw error
    }
  }
  if ((await make()) !== 'ENOENT' || dirname(folder) === folder) return
  await makeFolder(dirname(folder))
  await make()
}

/** Whether the operation failed because nothing may be written there. */
export function isForbidden(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'EACCES' || code === 'EROFS' || code === 'EPERM'
}

/** The name that the operating system has for the error, such as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
