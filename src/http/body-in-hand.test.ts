import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Body } from './body.js'

let server: Server
let client: Socket

beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.on('error', () => undefined)
})

afterEach(() => {
  client.destroy()
  server.closeAllConnections()
  server.close()
})

async function send(text: string): Promise<IncomingMessage> {
  client.write(text)
  const [incoming] = (await once(server, 'request')) as [IncomingMessage]
  return incoming
}

const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n'

describe('a body that is in hand', () => {
  it('came in one piece with its head', async () => {
    const body = new Body(await send(`${head}hello`))
    expect(Buffer.from((await body.inHand()) ?? []).toString()).toBe('hello')
  })

  it('may be empty', async () => {
    const body = new Body(await send('POST / HTTP/1.1\r\nHost: a\r\n\r\n'))
    expect(await body.inHand()).toHaveLength(0)
  })

  it('lets the next request of its connection come', async () => {
    server.on('request', async (incoming: IncomingMessage, response) => {
      response.end(await new Body(incoming).inHand())
    })
    let answers = ''
    client.on('data', bytes => {
      answers += bytes
    })
    for (let i = 1; i <= 3; i++) {
      client.write(`${head}hell${i}`)
      await expect.poll(() => answers).toContain(`hell${i}`)
    }
  })

  it('is not while some of it is missing, which is then waited for', async () => {
    const body = new Body(await send(`${head}he`))
    expect(await body.inHand()).toBeUndefined()
    client.write('llo')
    expect(Buffer.from(await body.whole(60_000, () => undefined)).toString()).toBe('hello')
  })

  it('is not waited for when its connection is gone', async () => {
    const incoming = await send(`${head}he`)
    const body = new Body(incoming)
    incoming.on('error', () => undefined)
    client.destroy()
    await expect.poll(() => incoming.closed).toBe(true)
    await expect(body.inHand()).rejects.toMatchObject({ code: 'bad-request' })
  })
})
