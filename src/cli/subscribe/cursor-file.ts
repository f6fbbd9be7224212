import { open, readFile, rename, rm } from 'node:fs/promises'
import { TidingsError } from '../../wire/errors.js'
import { parsePosition } from '../../wire/names.js'

/** A cursor that is kept in a file, from one run to the next. */
export interface CursorFile {
  /** What the file held at first; empty: there was none. */
  readonly cursor: string
  /**
   * Keeps a cursor: now, or if one is being written, after that, and then only the newest. The file is replaced whole, so
   * that it holds one cursor or the other however this ends. What goes wrong is told once, until it goes well again.
   */
  save(cursor: string): void
  /** Resolves when the last cursor is kept: true, or false if that was not possible. */
  settled(): Promise<boolean>
}

/** At most so often, since each time is a flush of the disk. */
const intervalMs = 100

/** Throws `invalid-setting` if the file is there and is no cursor, or cannot be read. */
export async function openCursorFile(path: string, tell: (message: string) => void): Promise<CursorFile> {
  const cursor = await readCursor(path)
  let kept = cursor
  let wanted = cursor
  let hasFailed = false
  let writing: Promise<void> | undefined

  const write = async (): Promise<void> => {
    while (wanted !== kept) {
      const next = wanted
      try {
        await replace(path, `${next}\n`)
        kept = next
        hasFailed = false
      } catch (error) {
        if (!(error instanceof Error)) throw error
        if (!hasFailed) tell(`The cursor cannot be kept: ${error.message}. Trying again with the next event.`)
        hasFailed = true
        return
      }
      await rest()
    }
  }

  let isLast = false
  let wake: (() => void) | undefined
  const rest = (): Promise<void> =>
    new Promise(resolve => {
      if (isLast) return resolve()
      const timer = setTimeout(resolve, intervalMs)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  const start = (): void => {
    writing ??= write().finally(() => {
      writing = undefined
    })
  }

  return {
    cursor,
    save(next) {
      wanted = next
      start()
    },
    async settled() {
      isLast = true
      wake?.()
      await writing
      start()
      await writing
      return wanted === kept
    },
  }
}

async function readCursor(path: string): Promise<string> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    if (error.code === 'ENOENT') return ''
    throw invalid(`--cursor-file: ${path} cannot be read (${error.code}).`)
  }
  const cursor = text.trim()
  if (parsePosition(cursor)) return cursor
  const what = cursor === '' ? 'is empty' : 'holds no cursor'
  throw invalid(`--cursor-file: ${path} ${what}. Name another file, or remove it to begin anew; it was left as it is.`)
}

async function replace(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.new`
  try {
    const file = await open(temporary, 'w', 0o666)
    try {
      await file.writeFile(text)
      // Without it, the new name may outlive a power cut, and what it names may not.
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

function invalid(message: string): TidingsError {
  return new TidingsError('invalid-setting', message)
}
