import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterAll } from 'vitest'

/** A way to a hub on which connections are cut. What the client sends arrives. */
export interface CuttingProxy {
  readonly port: number
  readonly url: string
  /** How many connections were cut. */
  readonly cuts: number
  /** Cuts all that there are. */
  cutAll(): void
  close(): void
}

export interface CuttingOptions {
  readonly scheme?: 'http' | 'https'
  /**
   * Asked at each piece of what the hub sends: how many of its bytes still go on to the client before the connection is cut. As many as it has,
   * or more: it is not cut. `passed`: how many went on before, over this connection.
   */
  readonly passes?: (bytes: number, passed: number) => number
}

const running = new Set<CuttingProxy>()

afterAll(() => {
  for (const proxy of running) proxy.close()
})

/** Closed at the latest when the file's tests are done. */
export async function startCuttingProxy(
  port: number,
  { scheme = 'http', passes = bytes => bytes }: CuttingOptions = {},
): Promise<CuttingProxy> {
  let cuts = 0
  const pairs = new Map<Socket, Socket>()
  const cut = (near: Socket, far: Socket): void => {
    if (!pairs.delete(near)) return
    cuts++
    // By turns with what was written before, and without: both are met on real ways.
    if (cuts % 2) near.destroySoon()
    else near.resetAndDestroy()
    far.destroy()
  }
  const server = createServer({ allowHalfOpen: false }, near => {
    const far = connect(port, '127.0.0.1')
    let passed = 0
    pairs.set(near, far)
    for (const socket of [near, far]) {
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        if (!pairs.delete(near)) return
        near.destroySoon()
        far.destroy()
      })
    }
    near.pipe(far)
    far.on('data', bytes => {
      const going = passes(bytes.length, passed)
      if (going > 0 && !near.write(bytes.subarray(0, going))) {
        far.pause()
        near.once('drain', () => far.resume())
      }
      passed += Math.min(going, bytes.length)
      if (going < bytes.length) cut(near, far)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const proxy: CuttingProxy = {
    port: address.port,
    url: `${scheme}://127.0.0.1:${address.port}`,
    get cuts() {
      return cuts
    },
    cutAll() {
      for (const [near, far] of pairs) cut(near, far)
    },
    close() {
      running.delete(proxy)
      server.close()
      for (const [near, far] of pairs) {
        near.destroy()
        far.destroy()
      }
    },
  }
  running.add(proxy)
  return proxy
}
