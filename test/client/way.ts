import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import { connect, createServer as createTcpServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** What stands between a client and a hub. */
export interface Way {
  readonly url: string
  /** How many connections there have been. */
  readonly connections: number
  /** Where it leads to; a hub that was started again has another port. */
  port: number
  /** Cuts all connections, in the middle of whatever they carry. */
  cut(): void
  /** The next connections are cut when so many bytes have come from the hub. */
  cutAfter(bytes: number | undefined): void
  /** Nothing comes through any more, and nothing is closed, until it is false. */
  stall(isStalled: boolean): void
}

/** A way of plain TCP. */
export async function openWay(port: number): Promise<Way> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let limit: number | undefined
  let isStalled = false
  let connections = 0
  const server = createTcpServer(near => {
    connections++
    const far = connect(way.port, '127.0.0.1')
    const pair = [near, far] as const
    pairs.add(pair)
    let left = limit
    for (const socket of pair) {
      socket.on('error', () => undefined)
      socket.on('close', () => {
        pairs.delete(pair)
        for (const other of pair) other.destroy()
      })
    }
    near.pipe(far)
    far.on('data', bytes => {
      if (isStalled) return
      if (left === undefined) near.write(bytes)
      else {
        near.write(bytes.subarray(0, left))
        left -= bytes.length
        if (left <= 0) near.destroySoon()
      }
    })
  })
  const way: Way = {
    url: `http://127.0.0.1:${await listen(server)}`,
    port,
    get connections() {
      return connections
    },
    cut() {
      for (const [near] of pairs) near.destroy()
    },
    cutAfter(bytes) {
      limit = bytes
    },
    stall(stalled) {
      isStalled = stalled
    },
  }
  onTestFinished(() => {
    server.close()
    way.cut()
  })
  return way
}

/** A proxy that passes an answer's head on at once, and its body when that is whole. */
export async function openBufferingProxy(hub: string): Promise<{ readonly url: string; readonly paths: string[] }> {
  const paths: string[] = []
  const server = createServer((incoming, answer) => {
    const { headers, url = '', method = '' } = incoming
    paths.push(`${headers.accept} ${url}`)
    const forwarded = request(hub + url, { method, headers: { ...headers, host: new URL(hub).host } }, response => {
      answer.writeHead(response.statusCode ?? 500, response.headers)
      answer.flushHeaders()
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('end', () => answer.end(Buffer.concat(chunks)))
    })
    forwarded.on('error', () => incoming.socket.destroy())
    answer.on('close', () => forwarded.destroy())
    incoming.pipe(forwarded)
  })
  const url = `http://127.0.0.1:${await listen(server)}`
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url, paths }
}

/** A server of HTTP for the time of a test. */
export async function serve(handler: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(handler)
  const url = `http://127.0.0.1:${await listen(server)}`
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return url
}

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
