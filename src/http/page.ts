import type { PageResult, StopSignal } from '../hub/hub.js'
import { TidingsError } from '../wire/errors.js'
import { parsePosition } from '../wire/names.js'
import { type Answer, jsonAnswer } from './answer.js'
import { inCoding } from './compress-answer.js'
import { matchesTag, toEntityTag } from './etag.js'
import type { ReadRequest } from './read-request.js'
import type { RequestHead } from './request-head.js'
import type { Surface } from './surface.js'

/** Answers with a page, at once or, with `wait`, at the first event. `signal` aborts when nobody waits for it any more. */
export async function answerPage(
  { hub, longPolls }: Pick<Surface, 'hub' | 'longPolls'>,
  head: Pick<RequestHead, 'headers'>,
  request: ReadRequest,
  signal: StopSignal,
): Promise<Answer> {
  const { selectors, cursor, since, limit, waitMs, coding } = request
  const isLongPoll = waitMs > 0
  if (isLongPoll && !longPolls.take(1)) {
    throw new TidingsError('overloaded', 'Too many long polls wait already; try again later, or listen to a stream.')
  }
  try {
    const page = await hub.page({ selectors, cursor, since }, { limit, ...(isLongPoll && { waitMs }), signal })
    return await inCoding(toAnswer(page, head), coding)
  } finally {
    if (isLongPoll) longPolls.give(1)
  }
}

function toAnswer(page: PageResult, head: Pick<RequestHead, 'headers'>): Answer {
  const encoded = encodedOf(page)
  if (matchesTag(head.headers['if-none-match'], encoded.tag)) {
    return { status: 304, headers: { ETag: encoded.tag, 'Cache-Control': 'no-cache' }, body: '' }
  }
  encoded.answer ??= toPageAnswer(page, encoded.tag)
  return encoded.answer
}

function toPageAnswer({ events, cursor, more, gap, ended }: PageResult, tag: string): Answer {
  return jsonAnswer({ events, cursor, more, gap, ended }, { ETag: tag, 'Cache-Control': 'no-cache' })
}

interface Encoded {
  readonly tag: string
  answer: Answer | undefined
}

/** Those who were woken together are answered with one page, which is put into bytes once. */
const encodings = new WeakMap<PageResult, Encoded>()

function encodedOf(page: PageResult): Encoded {
  const known = encodings.get(page)
  if (known) return known
  const encoded: Encoded = { tag: tagOf(page), answer: undefined }
  encodings.set(page, encoded)
  return encoded
}

/** Every so many offsets a poll that brings nothing is told the cursor all the same, so that it does not fall off a busy log. */
const cursorStep = 1024

/**
 * Weak, and without the cursor but for its coarse place, since it moves with events that do not match: a poll that brings nothing
 * new is a 304, and the cursor that its caller has is as good as the one it is not told.
 */
function tagOf({ events, cursor, more, gap, ended }: PageResult): string {
  const seen = events.map(event => event.id ?? JSON.stringify(event))
  const place = Math.floor((parsePosition(cursor)?.offset ?? 0) / cursorStep)
  return `W/${toEntityTag(JSON.stringify([seen, place, more, gap, ended]))}`
}
