import type { HubMetrics, HubMetricsOptions, Measured } from './metrics.js'

/** How long after the start the library is loaded, if nobody has asked for figures before. */
const lateMs = 1_000
/** How much may be told before it is loaded at once, and how much is kept until it is there; what is beyond is not counted. */
const maxTold = 256
const maxKept = 20_000

/**
 * `createHubMetrics`, which is loaded a little later: the library takes a sixth of what a start takes [50 ms of 300, Node 20.20]. What is
 * told before that is kept, and told then.
 */
export function createLateMetrics(options: HubMetricsOptions, load: typeof loadMetrics = loadMetrics): HubMetrics {
  let kept: ((metrics: HubMetrics) => void)[] = []
  let made: HubMetrics | undefined
  let making: Promise<HubMetrics> | undefined
  let measured: Measured | undefined

  async function make(): Promise<HubMetrics> {
    const metrics = await load(options)
    if (measured) metrics.begin(measured)
    for (const call of kept) call(metrics)
    kept = []
    made = metrics
    return metrics
  }
  function asked(): Promise<HubMetrics> {
    clearTimeout(timer)
    making ??= make()
    return making
  }
  function keep(call: (metrics: HubMetrics) => void): void {
    if (kept.length < maxKept) kept.push(call)
    if (kept.length === maxTold) void asked()
  }
  const timer = setTimeout(() => void asked(), lateMs).unref()

  return {
    metrics: {
      type: metricsType,
      token: options.token,
      read: async () => (await asked()).metrics.read(),
    },
    // No closure is made any more once the library is there: these are called for each publish.
    hubObserver: {
      appended(events, tookMs) {
        if (made) made.hubObserver.appended(events, tookMs)
        else keep(({ hubObserver }) => hubObserver.appended(events, tookMs))
      },
      appendFailed(error) {
        if (made) made.hubObserver.appendFailed(error)
        else keep(({ hubObserver }) => hubObserver.appendFailed(error))
      },
      wrote(lagMs) {
        if (made) made.hubObserver.wrote(lagMs)
        else keep(({ hubObserver }) => hubObserver.wrote(lagMs))
      },
      cutOff(why) {
        if (made) made.hubObserver.cutOff(why)
        else keep(({ hubObserver }) => hubObserver.cutOff(why))
      },
    },
    httpObserver: {
      publishing() {
        if (made) made.httpObserver.publishing()
        else keep(({ httpObserver }) => httpObserver.publishing())
      },
      refused(operation, code) {
        if (made) made.httpObserver.refused(operation, code)
        else keep(({ httpObserver }) => httpObserver.refused(operation, code))
      },
      dropped() {
        if (made) made.httpObserver.dropped()
        else keep(({ httpObserver }) => httpObserver.dropped())
      },
    },
    figures: async () => (await asked()).figures(),
    begin(parts) {
      measured = parts
      made?.begin(parts)
    },
  }
}

/** What `prom-client` says its text is. */
export const metricsType = 'text/plain; version=0.0.4; charset=utf-8'

async function loadMetrics(options: HubMetricsOptions): Promise<HubMetrics> {
  const { createHubMetrics } = await import('./metrics.js')
  return createHubMetrics(options)
}
