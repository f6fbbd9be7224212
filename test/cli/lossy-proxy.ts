import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A way to the hub on which answers get lost: the request arrives, and the connection is cut in place of its answer. */
export interface LossyProxy {
  readonly url: string
  readonly dropped: number
}

/** `drops`: whether the next answer is lost. Closed when the test is over. */
export async function startLossyProxy(port: number, drops: () => boolean): Promise<LossyProxy> {
  let dropped = 0
  const sockets = new Set<Socket>()
  const server = createServer(near => {
    const far = connect(port, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far)
    far.on('data', bytes => {
      if (drops()) {
        dropped++
        near.destroy()
      } else {
        near.write(bytes)
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    get dropped() {
      return dropped
    },
  }
}
