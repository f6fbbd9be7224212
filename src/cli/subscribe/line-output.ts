import type { Writable } from 'node:stream'

export interface LineOutputOptions {
  readonly stream: Writable
  /** The stream holds as much as it takes; `onDrained` follows. */
  readonly onFull: () => void
  readonly onDrained: () => void
  /** Whoever read along is gone. */
  readonly onGone: () => void
  /** All text up to the one that was written with this cursor has been handed to the system. */
  readonly onHanded: (cursor: string) => void
}

/** Text on its way out, and how far it has come. */
export interface LineOutput {
  /** `cursor`: where the reader stands behind the text, which may be empty. An empty cursor says nothing. */
  write(text: string, cursor: string): void
  /** Resolves to true when all is handed over, to false after `ms`, or if the reader is gone. */
  flushed(ms: number): Promise<boolean>
}

export function createLineOutput({ stream, onFull, onDrained, onGone, onHanded }: LineOutputOptions): LineOutput {
  let under = 0
  let isGone = false
  let latest = ''
  let onIdle: (() => void) | undefined

  stream.on('drain', onDrained)
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Any other error is heard, and reported, by the one who runs commands.
    if (error.code !== 'EPIPE') return
    isGone = true
    onIdle?.()
    onGone()
  })

  const handed = (cursor: string): void => {
    if (cursor !== '') onHanded(cursor)
  }

  return {
    write(text, cursor) {
      latest = cursor
      if (text === '') {
        if (under === 0 && !isGone) handed(cursor)
        return
      }
      under++
      const takesMore = stream.write(text, error => {
        under--
        if (error || isGone) return
        // Behind the last text the reader may stand further on, where nothing was to be written.
        handed(under === 0 ? latest : cursor)
        if (under === 0) onIdle?.()
      })
      if (!takesMore) onFull()
    },

    flushed(ms) {
      return new Promise(resolve => {
        const done = (): void => {
          clearTimeout(timer)
          resolve(under === 0 && !isGone)
        }
        const timer = setTimeout(done, ms)
        onIdle = done
        if (under === 0 || isGone) done()
      })
    },
  }
}
