import type { IncomingMessage, ServerResponse } from 'node:http'
import { TidingsError } from '../wire/errors.js'
import type { Answer } from './answer.js'
import { answerRequest } from './answer-request.js'
import { Body } from './body.js'
import { varyingHeaders } from './cors.js'
import { toRefusal } from './refusal.js'
import type { RequestHead } from './request-head.js'
import { sendAnswer } from './send-answer.js'
import type { Surface } from './surface.js'

/** How long what is left of a body is still taken after the answer, so that the answer is not lost to a reset. */
export const discardMs = 5_000
/** Requests that one connection may have waiting at once; browsers have one. */
const maxPipelined = 16
/** Answers of so few characters are not counted against what is with slow readers: their connections cost more. */
export const smallBytes = 1024

/**
 * Answers an ordinary request of HTTP/1.1: everything but a stream. Never rejects.
 *
 * `expectsContinue`: the body comes only when it is asked for, so what is refused before that is never sent.
 */
export async function handle(
  surface: Surface,
  incoming: IncomingMessage,
  response: ServerResponse,
  expectsContinue: boolean,
): Promise<void> {
  const { socket } = incoming
  const { pipeline } = surface
  if (pipeline.under(socket) >= maxPipelined) {
    socket.destroy()
    return
  }
  pipeline.enter(socket, response)
  // What goes wrong with a connection shows as 'close'.
  response.on('error', ignore)
  incoming.on('error', ignore)
  let body: Body | undefined
  const { answer, head } = await answerRequest(surface, {
    head: incoming,
    openBody() {
      if (expectsContinue) response.writeContinue()
      body = new Body(incoming)
      return body
    },
    whenLeft: call => pipeline.whenLeft(socket, response, call),
  })
  if (response.destroyed || !socket.writable) return
  send(surface, response, answer, head)
  if (!incoming.complete) (body ?? new Body(incoming)).discard(discardMs, () => socket.destroy())
}

function ignore(): void {}

function send(surface: Surface, response: ServerResponse, answer: Answer, head: RequestHead | undefined): void {
  const { answersInFlight, pipeline, settings } = surface
  const varying = varyingHeaders(head, answer.status, settings)
  if (pipeline.isClosing) response.shouldKeepAlive = false
  const bytes = answer.body.length
  if (bytes <= smallBytes) {
    sendAnswer(response, answer, varying)
    // With the kernel already, but for a reader that has left many unread.
    if (response.req.socket.writableLength > 0) response.setTimeout(settings.limits.writeTimeoutMs)
    return
  }
  if (answersInFlight.take(bytes)) {
    pipeline.whenOver(response.req.socket, response, () => answersInFlight.give(bytes))
    // The reader may take its time, but not stand still: Node.js then destroys the connection.
    response.setTimeout(settings.limits.writeTimeoutMs)
    sendAnswer(response, answer, varying)
    return
  }
  sendAnswer(response, tooManyAnswers(surface), varyingHeaders(undefined, 503, settings))
}

export function tooManyAnswers(surface: Surface): Answer {
  const error = new TidingsError('overloaded', 'Too many answers are with slow readers; try again soon.')
  return toRefusal(surface, error, { operation: 'other' })
}
