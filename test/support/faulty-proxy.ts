import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http'
import { afterAll } from 'vitest'

/** A request as it came to the proxy. */
export interface Attempt {
  readonly path: string
  readonly key: string | undefined
}

export interface FaultyProxy {
  readonly port: number
  /** What came, in its order. */
  readonly attempts: readonly Attempt[]
}

const running = new Set<Server>()

afterAll(() => {
  for (const server of running) {
    server.closeAllConnections()
    server.close()
  }
})

/** `cut`: the hub is asked, and the connection cut before its answer. `late`: nobody is asked, 503 with `Retry-After: 1`. */
export type Fault = 'cut' | 'late'

/**
 * Stands before a hub, and lets a publisher meet what happens on the way: each `Idempotency-Key` meets the faults in their order,
 * one an attempt; all later attempts go through.
 */
export async function startFaultyProxy(hub: string, faults: readonly Fault[] = ['cut', 'late']): Promise<FaultyProxy> {
  const attempts: Attempt[] = []
  const server = createServer((incoming, answer) => {
    const { headers, url = '', method = '' } = incoming
    const key = headerOf(headers, 'idempotency-key')
    const fault = faults[attempts.filter(attempt => attempt.key === key).length]
    attempts.push({ path: url, key })
    if (fault === 'late') {
      answer.writeHead(503, { 'Retry-After': '1', 'Content-Type': 'text/plain' }).end('later')
      return
    }
    const forwarded = request(hub + url, { method, headers: { ...headers, host: new URL(hub).host } }, response => {
      if (fault === 'cut') {
        incoming.socket.destroy()
        response.resume()
        return
      }
      answer.writeHead(response.statusCode ?? 500, response.headers)
      response.pipe(answer)
    })
    forwarded.on('error', () => incoming.socket.destroy())
    incoming.pipe(forwarded)
  })
  running.add(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { port: address.port, attempts }
}

function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value[0] : value
}
