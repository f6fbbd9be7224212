import { createParser, type ParserOptions } from '../wire/parse.js'

export interface EventStreamOptions extends ParserOptions {
  /**
   * Called when a chunk was read and its handlers have been called, with the length of it; also if no block was complete with it. What it returns is
   * waited for before more is read, so that a slow reader slows the server.
   */
  readonly afterChunk?: ((bytes: number) => Promise<void> | undefined) | undefined
}

/** A stream of events that is being read. */
export interface EventStream {
  /**
   * Resolves when the body has ended, or was closed here. Rejects when the connection fails, and with what a handler or the
   * parser throws (`too-large`); the body is cancelled then.
   */
  readonly ended: Promise<void>
  /** What a client sends to resume: the id as of the last blank line. */
  readonly lastEventId: string
  /** Cancels the body. No handler is called again, also not for what is left of the chunk at hand. Idempotent. */
  close(): void
}

/** Reads a body to its end. A body of `null`, as an answer without one has, is empty. */
export function readEventStream(body: ReadableStream<Uint8Array> | null, options: EventStreamOptions): EventStream {
  const parser = createParser(options)
  const reader = body?.getReader()
  let isClosed = false

  const close = (): void => {
    if (isClosed) return
    isClosed = true
    parser.close()
    // What the connection says on being given up is nobody's concern any more.
    reader?.cancel().catch(() => undefined)
  }

  const read = async (): Promise<void> => {
    try {
      while (reader && !isClosed) {
        // A connection that was aborted and then closed here says so, which nobody waits to hear.
        const chunk = await reader.read().catch(error => {
          if (!isClosed) throw error
        })
        if (!chunk?.value || isClosed) break
        parser.push(chunk.value)
        await options.afterChunk?.(chunk.value.length)
      }
    } finally {
      close()
    }
  }

  const ended = read()
  return {
    ended,
    get lastEventId() {
      return parser.lastEventId
    },
    close,
  }
}
