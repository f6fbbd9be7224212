import { readFile } from 'node:fs/promises'

/*
 * How LMDB ends its lock file: 126 places for readers (which lmdb-js takes if it is told no other number), of 64 bytes each. A place
 * has the transaction that is read (8 bytes), and the number of the process (4 bytes; 0: nobody's).
 */
const maxReaders = 126
const placeBytes = 64
const processAt = 8

/** The numbers of the processes that are noted as readers in a `lock.mdb`. */
export async function readReaders(file: string): Promise<readonly number[]> {
  const bytes = await readFile(file)
  const readers: number[] = []
  for (let at = bytes.length - maxReaders * placeBytes; at > 0 && at < bytes.length; at += placeBytes) {
    const number = bytes.readInt32LE(at + processAt)
    if (number > 0) readers.push(number)
  }
  return readers
}
