import type { Clock } from './clock.js'

/** What tells of a page and its network: `globalThis` in a page or a worker. */
export interface LifeTarget {
  addEventListener?:
    | ((type: string, listener: (event: object) => void, options?: { readonly signal: AbortSignal }) => void)
    | undefined
  removeEventListener?: ((type: string, listener: (event: object) => void) => void) | undefined
  readonly document?: (LifeTarget & { readonly visibilityState?: string | undefined }) | undefined
}

const tickMs = 10_000
/** A tick that comes so long after the one before it came after a sleep. */
const sleepMs = 40_000

/**
 * Tells when a page is left for the back/forward cache and restored from it (`hidden`, `shown`), when the network is back, or the machine was asleep, and
 * what is open may be dead without knowing (`wake`), and with `pauseWhenHidden` when the page is hidden and shown. What it returns ends that.
 */
export function watchLife(
  target: LifeTarget | undefined,
  clock: Clock,
  pauseWhenHidden: boolean | undefined,
  happen: (happening: 'wake' | 'hidden' | 'shown') => void,
): () => void {
  const page = target?.document
  const isHidden = (): boolean => page?.visibilityState === 'hidden'
  const listener = ({ type }: { readonly type?: string }): void => {
    if (type === 'online' || type === 'resume') happen('wake')
    // A page that is left with a connection open is not kept, so its connection is let go.
    else if (type === 'pagehide' || (pauseWhenHidden && isHidden())) happen('hidden')
    else if (type === 'pageshow' || !isHidden()) happen('shown')
  }
  const left = new AbortController()
  // Each is told by one of the two, and what both tell means nothing the second time.
  for (const teller of [target, page]) {
    for (const type of ['online', 'pagehide', 'pageshow', 'resume', 'visibilitychange']) {
      teller?.addEventListener?.(type, listener, left)
    }
  }

  let timer: unknown
  let lateAt = Infinity
  const tick = (): void => {
    // Timers of hidden pages come late without any sleep.
    const isLate = clock.now() > lateAt && !isHidden()
    lateAt = clock.now() + sleepMs
    timer = clock.setTimeout(tick, tickMs)
    if (isLate) happen('wake')
  }
  tick()
  // It may be hidden now.
  listener({})
  return () => {
    clock.clearTimeout(timer)
    left.abort()
  }
}
