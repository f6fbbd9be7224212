import { errorCodes, TidingsError } from '../wire/errors.js'
import type { Answer } from './answer.js'
import type { ContentCoding } from './content-coding.js'
import type { Form } from './negotiate.js'
import type { Operation } from './observer.js'
import { isReportable, toCode, toProblem } from './problem.js'
import { refusedStream } from './sinks/event-stream.js'
import type { Surface } from './surface.js'

/** The headers of a stream, whether opened or refused; of a refused one without a coding. */
export function streamHeaders(form: Form, coding?: ContentCoding): Readonly<Record<string, string>> {
  const headers = { 'Content-Type': form, 'Cache-Control': 'no-cache, no-transform', 'X-Accel-Buffering': 'no' }
  return coding ? { ...headers, 'Content-Encoding': coding } : headers
}

/** What is known of a request that is refused. */
export interface Asked {
  readonly operation: Operation
  /** In which events were asked for, if they were. */
  readonly form?: Form | undefined
}

/**
 * What a request is answered that failed with `error`; the operator hears of what is the hub's own fault.
 *
 * `EventSource` gives up for good at any status but 200 [Chromium 156, Firefox 153], so what may pass is answered with an event
 * stream that ends at once, and says when to come again.
 */
export function toRefusal(
  { hub, report, observer }: Pick<Surface, 'report' | 'observer'> & { readonly hub: Pick<Surface['hub'], 'retryMs'> },
  error: unknown,
  asked: Asked,
): Answer {
  const { operation, form } = asked
  observer.refused(operation, toCode(error))
  if (isReportable(error)) report('A request failed.', error)
  const mayPass = error instanceof TidingsError && errorCodes[error.code][0] === 503
  if (!mayPass || form !== 'text/event-stream') return toProblem(error, () => hub.retryMs())
  // The title and no more: what the store of the log says of itself is for its operator.
  const why = `${error.code}: ${errorCodes[error.code][1]}`
  return { status: 200, headers: streamHeaders(form), body: refusedStream(hub.retryMs(), why) }
}
