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

/** `settings` are looked at when something is told. `intervalMs`: how often a number is told at most; default: ten seconds. */
export function createWatch(
  logger: Logger,
  settings: {
    readonly stallMs: number
    readonly limits: { readonly maxConnections: number; readonly maxStreams: number }
  },
  intervalMs?: number,
): Watch {
  const { stallMs } = settings
  const tally = (message: string, fields: () => object = () => ({})) =>
    new Tally(count => logger.warn({ count, ...fields() }, message), intervalMs)
  const cutOff: Record<CutOff, Tally> = {
    stalled: tally(`Readers were cut off: they took no byte for ${stallMs / 1000} s.`),
    evicted: tally('Readers were cut off: slow ones held back more than there is room for (maxHeldBytes).'),
  }
  const overloaded: Record<Operation, Tally> = {
    publish: tally('Publishing was refused: too much at once.'),
    read: tally('Readers were refused: too many at once.', () => ({ maxStreams: settings.limits.maxStreams })),
    other: tally('Requests were refused: too much at once.'),
  }
  const dropped = tally('Connections were closed unheard: there are as many as there may be.', () => ({
    maxConnections: settings.limits.maxConnections,
  }))
  const full = watchFullLog(logger, intervalMs)
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
      for (const each of [...Object.values(cutOff), ...Object.values(overloaded), dropped, full]) each.close()
    },
  }
}

/** A log that is nearly full takes this and refuses that: it is freed when it has refused nothing for so long. */
const quietMs = 2_000

/** Says that the log is full, then how much it refused meanwhile, and when it takes events again. */
function watchFullLog(logger: Logger, intervalMs: number | undefined) {
  let refused = 0
  let [firstAt, lastAt] = [0, 0]
  let err: unknown
  const tally = new Tally(count => {
    logger.error({ count, err }, 'The log is full: publishing is refused until there is room.')
  }, intervalMs)
  return {
    failed(error: unknown) {
      if (!(error instanceof TidingsError) || error.code !== 'log-full') return
      lastAt = performance.now()
      if (refused++ === 0) firstAt = lastAt
      err = error
      tally.count()
    },
    appended() {
      if (refused === 0 || performance.now() - lastAt < quietMs) return
      tally.close()
      const seconds = Math.round((performance.now() - firstAt) / 1000)
      logger.info({ refused, seconds }, 'The log takes events again.')
      refused = 0
    },
    close: () => tally.close(),
  }
}
