import type { Clock } from '../connection/clock.js'
import type { LockRequest } from './lock-keeper.js'
import type { Locks, TabPort, TabWorkerClass } from './platform.js'

/** A script that was loaded and says nothing is no keeper. */
const answerMs = 10_000

/** Locks that a worker keeps, which all tabs share: `lock-keeper.ts` is its script. */
export function createWorkerLocks(SharedWorker: TabWorkerClass, url: string | URL, clock: Clock): Locks {
  return {
    request: (name, { signal, steal = false }, held) =>
      new Promise<void>((resolve, reject) => {
        // For each request anew: a worker may die with the tab that was the first to ask for it, and nobody is told.
        const worker = new SharedWorker(url, { type: 'module', name: 'tidings' })
        const fail = (): void => reject(new Error('The worker that keeps the lock was not loaded.'))
        worker.onerror = fail
        const timer = clock.setTimeout(fail, answerMs)
        const port = worker.port as TabPort
        const leave = (): void => {
          port.postMessage('leave')
          port.close()
        }
        const abort = (): void => {
          clock.clearTimeout(timer)
          leave()
          reject(signal?.reason)
        }
        signal?.addEventListener('abort', abort)
        port.onmessage = ({ data }) => {
          clock.clearTimeout(timer)
          if (data === 'waiting') return
          signal?.removeEventListener('abort', abort)
          if (data === 'granted') {
            void held().then(() => {
              leave()
              resolve()
            })
          } else {
            port.close()
            reject(new Error('The lock was stolen.'))
          }
        }
        const request: LockRequest = { name, isStealing: steal }
        port.postMessage(request)
      }),
  }
}
