import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { hasProc, openDescriptors } from '../../support/proc.js'
import { Random, runSeed } from '../../support/random.js'
import { startTunedHub, type TunedHub } from '../../support/tuned-hub.js'

const seed = runSeed()
const patience = { timeout: 20_000, interval: 20 }
const atOnce = 50
const connections = 500
/** What may be left on the heap of a connection that has gone. */
const maxLeftBytes = 1024

const opened = new Set<Socket>()
afterAll(() => {
  for (const socket of opened) socket.destroy()
})

const post = 'POST /events/news HTTP/1.1\r\nHost: localhost\r\n'
/** What a connection says: whole requests of every kind, and such as stop somewhere. */
const beginnings = [
  'GET /events/news HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'GET /events?topic=news&topic=** HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'GET /events/news?since=earliest HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'GET /events/news?since=latest&conflate=50 HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'GET /events/news HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: nowhere-7\r\n\r\n',
  'GET /events/news HTTP/1.1\r\nHost: localhost\r\nAccept: application/x-ndjson\r\n\r\n',
  'GET /events/quiet?wait=60 HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n',
  'GET /events/news?since=earliest HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n',
  'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /events/news HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'GET /events/news HTTP/1.1\r\nHost: localhost\r\nX-Never-',
  'GE',
  '',
  'no request at all\r\n\r\n',
  `${post}Content-Length: 5\r\n\r\nhello`,
  `${post}Content-Length: 5000\r\n\r\nhel`,
  'POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: 999\r\n\r\n{"topic":"news","data":"1"}\n{"to',
  'GET /events/news HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n',
]

/** How it ends: reset, closed, closed on its own side only, or first held without reading. */
const endings = ['reset', 'close', 'half', 'stall'] as const

async function visit(port: number, random: Random): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  opened.add(socket)
  socket.on('error', () => undefined)
  const gone = new Promise<void>(resolve => {
    socket.on('close', () => {
      opened.delete(socket)
      resolve()
    })
  })
  const ending = random.pick(endings)
  const isHasty = random.chance(0.3)
  socket.write(random.pick(beginnings), 'latin1')
  if (ending !== 'stall') socket.on('data', () => undefined)
  if (!isHasty) await Promise.race([gone, once(socket, 'readable'), nextPublish()])
  if (ending === 'half') {
    socket.resume()
    socket.end()
    // Who is answered with a stream has to be cut off here, others by the hub.
    await Promise.race([gone, nextPublish()])
    socket.destroy()
  } else if (ending === 'close') {
    socket.destroy()
  } else {
    if (ending === 'stall') await nextPublish()
    socket.resetAndDestroy()
  }
  await gone
}

let published: (() => void)[] = []

/** Resolves when the hub was given something more to say. */
function nextPublish(): Promise<void> {
  return new Promise(resolve => published.push(resolve))
}

/** Lets connections come and go, at most so many at once, while something is published all the time. */
async function sendFleet(hub: TunedHub, random: Random, count: number): Promise<void> {
  let left = count
  let isOver = false
  const publishing = (async () => {
    for (let i = 0; !isOver; i++) {
      const body = `${i} ${'x'.repeat(random.below(30_000))}`
      const response = await fetch(`${hub.url}/events/news?key=${i % 10}`, { method: 'POST', body })
      await response.arrayBuffer()
      const woken = published
      published = []
      for (const wake of woken) wake()
    }
  })()
  try {
    const visitor = async (): Promise<void> => {
      while (left-- > 0) await visit(hub.port, random)
    }
    await Promise.all(Array.from({ length: atOnce }, visitor))
  } finally {
    isOver = true
    await publishing
  }
}

describe.skipIf(!hasProc)(`connections that come and go at random, TIDINGS_SEED=${seed}`, () => {
  test('leave nothing behind', async () => {
    const random = new Random(seed)
    // Little is kept, so that what is kept does not hide what is left behind.
    const hub = await startTunedHub(
      {
        hub: { maxRecentEvents: 20 },
        log: { retention: [{ selector: '**', count: 20 }], trimIntervalMs: 50 },
        settings: { limits: { keepAliveTimeoutMs: 1000, headersTimeoutMs: 1000, bodyTimeoutMs: 1000 } },
      },
      { nodeArgs: ['--expose-gc'] },
    )
    const descriptorsAtFirst = openDescriptors(hub.pid)
    const isEmpty = async () => {
      expect(await hub.status()).toMatchObject({ subscriptions: 0, catchingUp: 0, heldBytes: 0 })
      expect(openDescriptors(hub.pid)).toBeLessThanOrEqual(descriptorsAtFirst)
    }
    // The first fleets load and compile all that there is, and fill what is kept.
    for (let i = 0; i < 2; i++) {
      await sendFleet(hub, random, connections)
      await vi.waitFor(isEmpty, patience)
    }
    const before = await hub.status()

    await sendFleet(hub, random, connections)
    await vi.waitFor(isEmpty, patience)
    const isBack = async () => {
      const { heapBytes, externalBytes } = await hub.status()
      expect((heapBytes - before.heapBytes) / connections).toBeLessThan(maxLeftBytes)
      expect((externalBytes - before.externalBytes) / connections).toBeLessThan(maxLeftBytes)
    }
    await vi.waitFor(isBack, patience)
    expect(hub.output()).not.toContain('given up')
  }, 90_000)
})
