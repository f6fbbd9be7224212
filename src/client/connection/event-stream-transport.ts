import { TidingsError } from '../../wire/errors.js'
import { readEventStream } from '../event-stream.js'
import { ask, lost } from './ask.js'
import type { Attempt, Ending, Transport } from './transport.js'

/** Hears an event stream. */
export const eventStream: Transport = async attempt => {
  const { settings, isHub, cursor } = attempt
  const answer = await ask(attempt, {
    ...{ accept: 'text/event-stream', query: {}, cursor },
    answerMs: settings.answerMs,
  })
  if ('kind' in answer) return answer
  const { body } = answer
  if (!body) return { kind: 'held', error: lost('Bodies are not streamed here.') }
  if (!isHub) {
    attempt.opened()
    return read(attempt, body)
  }
  return new Promise(resolve => {
    // The first block of a hub comes with the head: if that comes alone, the rest is held back on its way.
    const timer = settings.clock.setTimeout(
      () => resolve({ kind: 'held', error: lost('The stream is held back on its way.') }),
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
async function read(
  attempt: Attempt,
  body: ReadableStream<Uint8Array>,
  onEvent: () => void = () => undefined,
): Promise<Ending> {
  const { signal, cursor, settings } = attempt
  const ended = 'The stream ended'
  let said = ended
  const stream = readEventStream(body, {
    lastEventId: cursor,
    maxChars: settings.maxEventChars,
    onRetry: attempt.retry,
    // A stream that is not opened now says why, and ends.
    onComment(text) {
      settings.onComment?.(text)
      if (text !== '') said = `${ended}, and said: ${text}`
    },
    onEvent(event) {
      onEvent()
      said = ended
      attempt.take(event)
    },
    afterChunk() {
      attempt.heard()
      return attempt.room()
    },
  })
  signal.addEventListener('abort', stream.close)
  try {
    if (signal.aborted) stream.close()
    await stream.ended
    return { kind: 'cut', error: lost(`${said}.`) }
  } catch (error) {
    // Another attempt would meet the same block.
    if (error instanceof TidingsError) return { kind: 'refused', error }
    return { kind: 'cut', error: lost('The connection was cut.', error) }
  }
}
