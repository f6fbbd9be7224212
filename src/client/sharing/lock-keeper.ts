/**
 * Keeps locks for tabs, as Web Locks do, where there are none: in a worker that they share. Each request has a port of its own.
 * A tab that crashes keeps what it has until another one steals it.
 *
 * The module is both the worker's script and, in a tab, what tells where that is. It imports nothing.
 */
export const scriptUrl: string = import.meta.url

/** The near end of a port. */
export interface KeeperPort {
  onmessage: ((event: { readonly data: unknown }) => void) | null
  postMessage(message: string): void
}

/** What a tab says: which lock it wants, or `leave`: no lock any more. It is told `waiting` at once, or `granted`, and `stolen`. */
export interface LockRequest {
  readonly name: string
  readonly isStealing: boolean
}

/** What serves a port. */
export function createLockKeeper(): (port: KeeperPort) => void {
  /** By lock; the first of a line has it. */
  const lines = new Map<string, KeeperPort[]>()

  return port => {
    let name = ''
    const leave = (): void => {
      const line = lines.get(name) ?? []
      const place = line.indexOf(port)
      if (place < 0) return
      line.splice(place, 1)
      if (line.length === 0) lines.delete(name)
      else if (place === 0) line[0]?.postMessage('granted')
    }
    port.onmessage = ({ data }) => {
      if (data === 'leave') {
        leave()
        return
      }
      const { isStealing, ...asked } = data as LockRequest
      name = asked.name
      const line = lines.get(name) ?? []
      lines.set(name, line)
      if (isStealing) {
        line.shift()?.postMessage('stolen')
        line.unshift(port)
      } else line.push(port)
      port.postMessage(line[0] === port ? 'granted' : 'waiting')
    }
  }
}

if ('SharedWorkerGlobalScope' in globalThis) {
  const scope = globalThis as unknown as { onconnect: (event: { readonly ports: readonly KeeperPort[] }) => void }
  const serve = createLockKeeper()
  scope.onconnect = ({ ports }) => {
    for (const port of ports) serve(port)
  }
}
