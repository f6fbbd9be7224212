import { TidingsError } from '../../wire/errors.js'
import { readEventStream } from '../event-stream.js'
import { ask } from './ask.js'
import type { Attempt, Ending, Transport } from './transport.js'

/** Hears an event stream. */
export const eventStream: Transport = async attempt => {
  const { settings, isHub, cursor } = attempt
  const answer = await ask(attempt, { accept: 'text/event-stream', cursor, answerMs: settings.answerMs })
  if ('kind' in answer) return answer
  const { body } = answer
  // Some runtimes have bodies, and give them only when they are whole.
  if (!body?.getReader) return { kind: 'unable', why: 'Bodies are not streamed here.', code: 'not-a-stream' }
  if (!isHub) {
    attempt.opened()
    return read(attempt, body)
  }
  return new Promise(resolve => {
    // The first block of a hub comes with the head: if that comes alone, the rest is held back on its way.
    const timer = settings.clock.setTimeout(
      () => resolve({ kind: 'held', why: 'The stream is held back on its way.' }),
      settings.firstBlockMs,
    )
    const isThere = (): void => settings.clock.clearTimeout(timer)
    attempt.signal.addEventListener('abort', isThere)
    void read(attempt, body, isThere).then(ending => {
      isThere()
      resolve(ending)
    })
  })
}

/** Reads the body to its end, no faster than there is room. Does not reject. */
async function read(attempt: Attempt, body: ReadableStream<Uint8Array>, onEvent?: () => void): Promise<Ending> {
  const { signal, cursor, settings } = attempt
  const ended = 'The stream ended'
  let said = ended
  const stream = readEventStream(body, {
    lastEventId: cursor,
    maxChars: settings.maxEventChars,
    onRetry: attempt.retry,
    // A stream that is not opened now says why, and ends.
    onComment(text) {
      attempt.comment(text)
      if (text) said = `${ended}, and said: ${text}`
    },
    onEvent(event) {
      onEvent?.()
      said = ended
      attempt.take(event)
    },
    afterChunk() {
      attempt.heard()
      attempt.seen(stream.lastEventId)
      return attempt.room()
    },
  })
  signal.addEventListener('abort', stream.close)
  try {
    if (signal.aborted) stream.close()
    await stream.ended
    return { kind: 'cut', why: `${said}.` }
  } catch (cause) {
    // Another attempt would meet the same block.
    if (cause instanceof TidingsError) return { kind: 'refused', why: cause.message, code: cause.code, cause }
    return { kind: 'cut', why: 'The connection was cut.', cause }
  }
}
