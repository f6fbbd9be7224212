import type { HttpObserver, Operation } from '../../http/observer.js'
import type { CutOff, HubObserver } from '../../hub/observer.js'
import { TidingsError } from '../../wire/errors.js'
import type { Logger } from '../logger.js'
import { Tally } from './tally.js'

/** What an operator is told of what the hub and its surface do: when it is much, the first at once and then how many. */
export interface Watch {
  readonly hubObserver: Pick<HubObserver, 'appended' | 'appendFailed' | 'cutOff'>
  readonly httpObserver: Pick<HttpObserver, 'refused' | 'dropped'>
  /** Says what was not said yet. */
  close(): void
}

/** `intervalMs`: how often a number is told at most; default: ten seconds. */
export function createWatch(
  logger: Logger,
  settings: {
    readonly stallMs: number
    readonly limits: { readonly maxConnections: number; readonly maxStreams: number }
  },
  intervalMs?: number,
): Watch {
  const { stallMs, limits } = settings
  const tally = (message: string, fields: object = {}) =>
    new Tally(count => logger.warn({ count, ...fields }, message), intervalMs)
  const cutOff: Record<CutOff, Tally> = {
    stalled: tally(`Readers were cut off: they took no byte for ${stallMs / 1000} s.`),
    evicted: tally('Readers were cut off: slow ones held back more than there is room for (maxHeldBytes).'),
  }
  const overloaded: Record<Operation, Tally> = {
    publish: tally('Publishing was refused: too much at once.'),
    read: tally('Readers were refused: too many at once.', { maxStreams: limits.maxStreams }),
    other: tally('Requests were refused: too much at once.'),
  }
  const dropped = tally('Connections were closed unheard: there are as many as there may be.', {
    maxConnections: limits.maxConnections,
  })
  const full = watchFullLog(logger)
  return {
    hubObserver: {
      appended: () => full.appended(),
      appendFailed: error => full.failed(error),
      cutOff: why => cutOff[why].count(),
    },
    httpObserver: {
      refused: (operation, code) => {
        if (code === 'overloaded') overloaded[operation].count()
      },
      dropped: () => dropped.count(),
    },
    close() {
      for (const each of [...Object.values(cutOff), ...Object.values(overloaded), dropped]) each.close()
    },
  }
}

/** Says that the log is full, once, and that it takes events again. */
function watchFullLog(logger: Logger): { appended(): void; failed(error: unknown): void } {
  let refused = 0
  let since = 0
  return {
    failed(error) {
      if (!(error instanceof TidingsError) || error.code !== 'log-full') return
      if (refused++ > 0) return
      since = performance.now()
      logger.error({ err: error }, 'The log is full: publishing is refused until there is room.')
    },
    appended() {
      if (refused === 0) return
      const seconds = Math.round((performance.now() - since) / 1000)
      logger.info({ refused, seconds }, 'The log takes events again.')
      refused = 0
    },
  }
}
