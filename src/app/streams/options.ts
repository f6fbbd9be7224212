import { checkOptions, wholeNumber } from '../../log/settings.js'
import { hubTypes } from '../../wire/names.js'
import { toReport } from '../report.js'
import { encodeEvent, type StreamEvent } from './stream-event.js'

/** How a stream is set up. */
export interface StreamOptions {
  /**
   * The last event of a stream that was closed, such as `'[DONE]'`; false: none. Default: `$end` with `{"outcome":"completed"}`, whose id
   * makes an `EventSource` that comes back be answered 204.
   */
  readonly end?: StreamEvent | string | false | undefined
  /** The last event of a stream that failed; false: none. Default: `$end` with `{"outcome":"failed"}`. */
  readonly failure?: StreamEvent | string | false | undefined
  /** Silence after which a comment is sent, so that nothing between closes the connection. 100 to 3,600,000; 0: never. Default: 15,000. */
  readonly heartbeatMs?: number | undefined
  /** A client that takes no byte for so long has left. 0: never. At most 3,600,000. Default: 60,000. */
  readonly stallMs?: number | undefined
  /** What an `EventSource` is told to wait before it comes again. 500 to 300,000. Default: it is told nothing. */
  readonly retryMs?: number | undefined
  /** Is told why a source failed. Default: `console.error`. */
  readonly report?: ((message: string, error?: unknown) => void) | undefined
}

/** The options, complete. */
export interface StreamSettings {
  readonly end: Uint8Array
  readonly failure: Uint8Array
  readonly heartbeatMs: number
  readonly stallMs: number
  readonly retryMs: number | undefined
  readonly report: (message: string, error?: unknown) => void
}

/** The id of `$end`: who comes back with it has heard all. */
export const endId: string = hubTypes.end

const longestMs = 3_600_000

const optionNames = ['end', 'failure', 'heartbeatMs', 'stallMs', 'retryMs', 'report'] satisfies (keyof StreamOptions)[]

/** Throws `invalid-setting`, and `invalid-event` if an ending is no event. */
export function resolveStreamOptions(options: StreamOptions): StreamSettings {
  checkOptions(options, 'a stream', optionNames)
  const { end, failure, heartbeatMs = 15_000, stallMs = 60_000, retryMs, report } = options
  return {
    end: toEnding(end, 'completed'),
    failure: toEnding(failure, 'failed'),
    heartbeatMs: heartbeatMs === 0 ? 0 : wholeNumber('heartbeatMs', heartbeatMs, 100, longestMs),
    stallMs: wholeNumber('stallMs', stallMs, 0, longestMs),
    retryMs: retryMs === undefined ? undefined : wholeNumber('retryMs', retryMs, 500, 300_000),
    report: toReport(report),
  }
}

function toEnding(event: StreamOptions['end'], outcome: 'completed' | 'failed'): Uint8Array {
  if (event === false) return new Uint8Array()
  return encodeEvent(event ?? { data: { outcome }, type: hubTypes.end, id: endId })
}
