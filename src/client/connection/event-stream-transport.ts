import { TidingsError } from '../../wire/errors.js'
import { createParser } from '../../wire/parse.js'
import { ask } from './ask.js'
import type { Transport } from './transport.js'

/** Hears an event stream, no faster than there is room. */
export const eventStream: Transport = async attempt => {
  const { settings, cursor, signal } = attempt
  const answer = await ask(attempt, 'text/event-stream', cursor)
  if ('kind' in answer) return answer
  const { body } = answer
  // Some runtimes have bodies, and give them only when they are whole.
  if (!body?.getReader) return { kind: 'refused', isShut: true, why: 'No body streams here.', code: 'not-a-stream' }
  // The first block of a hub comes with the head: if that comes alone, the rest is held back on its way.
  if (attempt.isHub) attempt.expect(settings.firstBlockMs, 'No block came')
  else attempt.opened()
  let said = ''
  const parser = createParser({
    lastEventId: cursor,
    maxChars: settings.maxEventChars,
    onRetry: attempt.retry,
    // A stream that is not opened now says why, and ends.
    onComment(text) {
      attempt.comment(text)
      said = text && `: ${text}`
    },
    onEvent(event) {
      said = ''
      attempt.take(event)
    },
  })
  const reader = body.getReader()
  // However it ends, it is left by this.
  const leave = (): void => {
    parser.close()
    reader.cancel().catch(() => undefined)
  }
  signal.addEventListener('abort', leave)
  if (signal.aborted) leave()
  try {
    for (;;) {
      const { value } = await reader.read()
      if (!value) break
      parser.push(value)
      attempt.heard()
      attempt.seen(parser.lastEventId)
      await attempt.room()
    }
    return { kind: 'cut', why: `The stream ended${said}.` }
  } catch (cause) {
    // Another attempt would meet the same block.
    if (cause instanceof TidingsError) return { kind: 'refused', why: cause.message, code: cause.code }
    return { kind: 'cut', why: 'The stream broke.', cause }
  }
}
