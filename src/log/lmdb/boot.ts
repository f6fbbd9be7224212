import { readFile } from 'node:fs/promises'

/**
 * What tells one start of this machine from the next; nothing where that is not known (it is on Linux). As long as it is the same,
 * what was written is in the memory of the system or on the disk, whatever became of the process that wrote it.
 */
export async function readBootId(): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  } catch (error) {
    // No /proc, or not this file in it: then nothing is known, and an unclean stop begins a new epoch.
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}
