import { leaseBounds } from '../../hub/lease.js'
import type { NewEvent } from '../../log/log.js'
import { checkOptions, optionalFunction, wholeNumber } from '../../log/settings.js'
import { toNewEvent } from './durable-event.js'
import type { StreamEvent } from './stream-event.js'

/** How a durable stream is set up. */
export interface DurableStreamOptions {
  /** What is said last on a stream that was closed, before its end, such as `'[DONE]'`. Default: nothing. */
  readonly end?: StreamEvent | string | false | undefined
  /** What is said last on a stream that failed. Default: nothing. */
  readonly failure?: StreamEvent | string | false | undefined
  /**
   * The stream is abandoned when its producer's process gave no sign of life for so long. It gives three in that time, and one
   * with every sixteenth event, which the log keeps like events of the topic. 1,000 to 600,000. Default: 30,000.
   */
  readonly leaseMs?: number | undefined
  /** Is told why a source failed. Default: the hub's `report`. */
  readonly report?: ((message: string, error?: unknown) => void) | undefined
}

/** The options, complete; the endings for whatever topic. */
export interface DurableSettings {
  readonly end: NewEvent | undefined
  readonly failure: NewEvent | undefined
  readonly leaseMs: number
  readonly report: (message: string, error?: unknown) => void
}

const optionNames = ['end', 'failure', 'leaseMs', 'report'] satisfies (keyof DurableStreamOptions)[]

/** Throws `invalid-setting`, and `invalid-event` or `too-large` if an ending is no event. */
export function resolveDurableOptions(
  options: DurableStreamOptions,
  hub: { readonly maxEventBytes: number; readonly report: DurableSettings['report'] },
): DurableSettings {
  const [fallback, least, most] = leaseBounds.leaseMs
  checkOptions(options, 'a durable stream', optionNames)
  const { end, failure, leaseMs = fallback, report } = options
  const toEnding = (event: DurableStreamOptions['end']): NewEvent | undefined =>
    event === undefined || event === false ? undefined : toNewEvent('', event, hub.maxEventBytes)
  return {
    end: toEnding(end),
    failure: toEnding(failure),
    leaseMs: wholeNumber('leaseMs', leaseMs, least, most),
    report: optionalFunction('report', report) ?? hub.report,
  }
}
