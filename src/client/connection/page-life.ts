import type { Clock } from './clock.js'

/** What tells of a page and its network: `globalThis` in a page or a worker. */
export interface LifeTarget {
  addEventListener?: ((type: string, listener: (event: object) => void) => void) | undefined
  removeEventListener?: ((type: string, listener: (event: object) => void) => void) | undefined
  readonly document?: (LifeTarget & { readonly visibilityState?: string | undefined }) | undefined
}

const tickMs = 10_000
/** A tick that comes so late came after a sleep. */
const sleepMs = 30_000

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
  const listener = ({ type, persisted }: { readonly type?: string; readonly persisted?: boolean }): void => {
    if (type === 'online' || type === 'resume') happen('wake')
    // A page that is left with a connection open is not kept, so its connection is let go.
    else if (type === 'pagehide' || (pauseWhenHidden && isHidden())) happen('hidden')
    else if (type === 'pageshow' ? persisted : pauseWhenHidden) happen('shown')
  }
  const each = (method: 'addEventListener' | 'removeEventListener'): void => {
    for (const type of ['online', 'pagehide', 'pageshow']) target?.[method]?.(type, listener)
    for (const type of ['resume', 'visibilitychange']) page?.[method]?.(type, listener)
  }
  each('addEventListener')

  let timer: unknown
  const tick = (): void => {
    const setAt = clock.now()
    timer = clock.setTimeout(() => {
      // Timers of hidden pages come late without any sleep.
      const isLate = clock.now() - setAt > sleepMs && !isHidden()
      tick()
      if (isLate) happen('wake')
    }, tickMs)
  }
  tick()
  // It may be hidden now.
  listener({})
  return () => {
    clock.clearTimeout(timer)
    each('removeEventListener')
  }
}
