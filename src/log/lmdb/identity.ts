import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileNames } from './store.js'

/**
 * What tells the file of a log from any copy of it: its inode, and when that was made, since numbers of inodes are used again.
 * Where a file system does not know the latter, the number alone has to do.
 */
export async function readIdentity(folder: string): Promise<string> {
  const { ino, birthtimeNs } = await stat(join(folder, fileNames.data), { bigint: true })
  return `${ino}:${birthtimeNs}`
}
