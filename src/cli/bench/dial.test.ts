import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { dial, type Place, sourceAddress } from './dial.js'

let server: Server | undefined
afterEach(() => {
  server?.close()
  server = undefined
})

async function listen(onSocket: (socket: Socket) => void): Promise<Place> {
  const onAsked = (socket: Socket) => void socket.once('data', () => onSocket(socket))
  server = createServer(onAsked).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const { port } = address
  return { url: new URL(`http://localhost:${port}`), address: '127.0.0.1', port, isLoopback: true }
}

/** Everything that a connection says when it is asked, until it is closed. */
function hear(place: Place, client: number): Promise<readonly string[]> {
  return new Promise(resolve => {
    const said: string[] = []
    const socket = dial(place, client, {
      onConnected: () => {
        said.push('connected')
        socket.write('?')
      },
      onBytes: bytes => said.push(Buffer.from(bytes).toString()),
      onClosed: why => resolve([...said, why ?? 'closed']),
    })
  })
}

describe('a connection', () => {
  it('says what came, and that it ended', async () => {
    const place = await listen(socket => void socket.end('Hello'))
    expect(await hear(place, 0)).toEqual(['connected', 'Hello', 'closed'])
  })

  it('says why it was cut, or not made', async () => {
    const place = await listen(socket => void socket.resetAndDestroy())
    expect(await hear(place, 0)).toEqual(['connected', 'ECONNRESET'])
    server?.close()
    expect(await hear(place, 0)).toEqual(['ECONNREFUSED'])
  })

  it.runIf(process.platform === 'linux')('calls from another address where the first has no more ports', async () => {
    const place = await listen(socket => void socket.end(socket.remoteAddress ?? ''))
    expect(await hear(place, 0)).toContain('127.0.0.1')
    expect(await hear(place, 20_000)).toContain('127.0.0.2')
  })
})

describe.runIf(process.platform === 'linux')('the address that a client calls from', () => {
  const place = { url: new URL('http://localhost'), address: '127.0.0.1', port: 80, isLoopback: true }

  it('is another one for each 20,000', () => {
    expect([0, 19_999, 20_000, 199_999].map(client => sourceAddress(place, client))).toEqual([
      undefined,
      undefined,
      '127.0.0.2',
      '127.0.0.10',
    ])
  })

  it('is left to the system where there is one only', () => {
    expect(sourceAddress({ ...place, address: '::1' }, 20_000)).toBeUndefined()
    expect(sourceAddress({ ...place, address: '192.0.2.1', isLoopback: false }, 20_000)).toBeUndefined()
  })
})
