import { constants, gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createParser, type ParsedEvent } from '../../src/wire/parse.js'
import { run } from '../support/command-line.js'
import { requireProgram } from '../support/programs.js'
import { exchange, type HubOnHttp, RawConnection, request, startHub } from './hub-on-http.js'

const curl = requireProgram('curl', 'apt-get install curl')

let hub: HubOnHttp
const opened: RawConnection[] = []
beforeEach(async () => {
  hub = await startHub({ settings: { compression: 'gzip' } })
})
afterEach(async () => {
  for (const connection of opened.splice(0)) connection.destroy()
  await hub.close()
})

const inGzip = { 'Accept-Encoding': 'gzip' }

function open(target: string, headers: Record<string, string> = inGzip): RawConnection {
  const connection = new RawConnection(hub.port).write(request('GET', target, headers))
  opened.push(connection)
  return connection
}

const headOf = ({ received }: RawConnection) => received.slice(0, received.indexOf('\r\n\r\n'))
const bytesOf = ({ received }: RawConnection) => Buffer.from(received.slice(received.indexOf('\r\n\r\n') + 4), 'latin1')

/** What a client has read when these bytes have come. */
function read(connection: RawConnection): string {
  const bytes = bytesOf(connection)
  if (!headOf(connection).includes('Content-Encoding: gzip')) return bytes.toString()
  return bytes.length === 0 ? '' : gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).toString()
}

async function until(connection: RawConnection, text: string): Promise<string> {
  await connection.until(received => received.includes('\r\n\r\n') && read(connection).includes(text))
  return read(connection)
}

function eventsOf(text: string): ParsedEvent[] {
  const events: ParsedEvent[] = []
  createParser({ onEvent: event => void events.push(event) }).push(Buffer.from(text))
  return events
}

const dataOf = (text: string) =>
  eventsOf(text)
    .filter(({ type }) => !type.startsWith('$'))
    .map(({ data }) => data)

/** An order as shops know it, with a number to tell it by. */
function order(number: number): string {
  const items = ['회색 의자', 'lamp', 'Bücherregal 📚'].map((title, i) => ({
    title,
    sku: `sku-${number}-${i}`,
    price: 20 + i,
  }))
  return JSON.stringify({
    number,
    customer: '김민아 👩‍👩‍👧',
    status: 'shipped',
    items,
    note: 'Please call before delivery.',
  })
}

const publish = (...data: readonly string[]) => hub.hub.publish(data.map(text => ({ topic: 'a', data: text })))

describe('a stream in gzip', () => {
  test('is for who asks for it', async () => {
    for (const [accepted, isCompressed] of [
      ['gzip, deflate, br, zstd', true],
      ['br, gzip;q=0.1', true],
      ['gzip;q=0, *', false],
      ['identity', false],
      ['*', false],
      ['', false],
    ] as const) {
      const stream = open('/events/a', { 'Accept-Encoding': accepted })
      await until(stream, '$cursor')
      expect([accepted, /^Content-Encoding: gzip$/m.test(headOf(stream).replaceAll('\r', ''))]).toEqual([
        accepted,
        isCompressed,
      ])
      expect(headOf(stream)).toContain('Vary: Accept, Accept-Encoding, Origin\r\n')
      expect(headOf(stream)).toContain('Cache-Control: no-cache, no-transform\r\n')
    }
    const off = await startHub()
    const stream = new RawConnection(off.port).write(request('GET', '/events/a', inGzip))
    await stream.until(text => text.includes('$cursor'))
    expect(headOf(stream)).not.toMatch(/Encoding/)
    stream.destroy()
    await off.close()
  })

  test('begins as one that is not, head and first block at once', async () => {
    const stream = open('/events/a')
    await new Promise(resolve => stream.socket.once('data', resolve))
    expect(read(stream)).toMatch(/^retry: \d{4}\nid: [0-9a-z]+-0\nevent: \$cursor\ndata:\n\n$/)
  })

  test('is given each event at once, in fewer bytes', async () => {
    const streams = [
      open('/events/a'),
      open('/events?topic=a&topic=b'),
      open('/events', { ...inGzip, Accept: 'application/x-ndjson' }),
    ]
    const plain = open('/events/a', {})
    for (const stream of [...streams, plain]) await until(stream, '$cursor')
    for (let number = 1; number <= 5; number++) {
      const [id = ''] = await publish(order(number))
      for (const stream of [...streams, plain]) expect(await until(stream, id)).toContain('📚')
    }
    expect(dataOf(read(plain))).toEqual([1, 2, 3, 4, 5].map(order))
    expect(dataOf(read(streams[0] as RawConnection))).toEqual(dataOf(read(plain)))
    expect(read(streams[1] as RawConnection)).toContain('\ntopic: a\n')
    const lines = read(streams[2] as RawConnection)
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(lines.slice(1).map(({ data }) => data)).toEqual([1, 2, 3, 4, 5].map(order))
    expect(bytesOf(streams[0] as RawConnection).length).toBeLessThan(0.8 * bytesOf(plain).length)
  })

  test('shares its blocks with all others of its kind', async () => {
    const streams = [open('/events/a'), open('/events/a'), open('/events/a', {}), open('/events/a', {})]
    for (const stream of streams) await until(stream, '$cursor')
    const [id = ''] = await publish(...Array.from({ length: 30 }, (_, i) => order(i)))
    await publish('bye')
    const heard = await Promise.all(streams.map(stream => until(stream, 'data: bye')))
    for (const text of heard) expect(dataOf(text)).toEqual([...Array.from({ length: 30 }, (_, i) => order(i)), 'bye'])
    expect(id).not.toBe('')
    const tailOf = (stream: RawConnection | undefined) => bytesOf(stream as RawConnection).subarray(-600)
    expect(tailOf(streams[0])).toEqual(tailOf(streams[1]))
    expect(bytesOf(streams[0] as RawConnection).length).toBeLessThan(bytesOf(streams[2] as RawConnection).length / 3)
    const { live } = hub.hub.counters
    expect(live.bytes).toBeLessThan(streams.reduce((sum, stream) => sum + bytesOf(stream).length, 0))
    expect(hub.hub.status.encodings['event-stream+gzip']).toEqual({ live: 2, catchingUp: 0 })
  })

  test('of small events is a fraction of them, where several hear the same', async () => {
    const trade = (number: number) =>
      JSON.stringify({
        symbol: 'AAPL',
        price: 180 + (number % 97) / 10,
        volume: number * 37,
        at: 1_764_000_000_000 + number,
      })
    const streams = [open('/events/a'), open('/events/a'), open('/events/a', {})]
    const [first, second, plain] = streams as [RawConnection, RawConnection, RawConnection]
    for (const stream of streams) await until(stream, '$cursor')
    const before = streams.map(stream => bytesOf(stream).length)
    const said = Array.from({ length: 100 }, (_, number) => trade(number))
    for (const data of said) {
      await publish(data)
      for (const stream of streams) await until(stream, data)
    }
    for (const stream of streams) expect(dataOf(read(stream))).toEqual(said)
    const [inFirst = 0, inSecond = 0, inPlain = 0] = streams.map(
      (stream, i) => bytesOf(stream).length - (before[i] ?? 0),
    )
    expect(inFirst).toBe(inSecond)
    expect(inFirst).toBeLessThan(inPlain / 2)
    expect(hub.hub.counters.live.bytes).toBe(inFirst + inSecond + inPlain)
    first.destroy()
    await vi.waitFor(() => expect(hub.hub.status.encodings['event-stream+gzip']?.live).toBe(1))
    await publish('to one alone')
    expect(await until(second, 'to one alone')).toContain('data: to one alone\n')
    expect(await until(plain, 'to one alone')).toContain('data: to one alone\n')
  })

  test('is right for each, though some come later, are silent for a while, or read slowly', async () => {
    const quick = await startHub({ settings: { compression: 'gzip' }, hub: { heartbeatMs: 100 } })
    const said: string[] = []
    const readers: { readonly stream: RawConnection; readonly from: number }[] = []
    const cursors = (stream: RawConnection) => eventsOf(read(stream)).filter(({ type }) => type === '$cursor').length
    const say = async (...texts: readonly string[]) => {
      said.push(...texts)
      await quick.hub.publish(texts.map(data => ({ topic: 'a', data })))
    }
    for (let round = 0; round < 24; round++) {
      if (round % 3 === 0) {
        const stream = new RawConnection(quick.port).write(request('GET', '/events/a', inGzip))
        opened.push(stream)
        await until(stream, '$cursor')
        readers.push({ stream, from: said.length })
      }
      for (let i = 0; i < 3; i++) await say(`round ${round}, and the ${i}th that is said in it`)
      if (round % 8 === 5) await say(...Array.from({ length: 20 }, (_, i) => order(i)))
      const last = said.at(-1) ?? ''
      for (const { stream } of readers) await until(stream, `data: ${last}\n`)
      if (round % 2 === 1) {
        // One has a heartbeat that not all of the others have yet.
        const { stream } = readers[round % readers.length] as (typeof readers)[0]
        const heard = cursors(stream)
        await vi.waitFor(() => expect(cursors(stream)).toBeGreaterThan(heard), { timeout: 10_000, interval: 1 })
      }
    }
    for (const { stream, from } of readers) expect(dataOf(read(stream))).toEqual(said.slice(from))
    expect(quick.reports).toEqual([])
    await quick.close()
  }, 40_000)

  test('goes on from a cursor, and from where since says', async () => {
    const ids = await publish(...Array.from({ length: 200 }, (_, i) => order(i)))
    const text = await until(open('/events/a', { ...inGzip, 'Last-Event-ID': ids[99] ?? '' }), '"number":199')
    expect(dataOf(text)).toEqual(Array.from({ length: 100 }, (_, i) => order(100 + i)))
    const all = open('/events/a?since=earliest')
    expect(dataOf(await until(all, '"number":199'))).toHaveLength(200)
    expect(bytesOf(all).length).toBeLessThan((200 * order(1).length) / 4)
    const latest = await until(open('/events/a?since=latest'), '$cursor')
    expect(eventsOf(latest).map(({ data }) => data)).toEqual([order(199), ''])
    expect(eventsOf(latest).at(-1)?.id).toBe(ids.at(-1))
    const unknown = await until(open('/events/a', { ...inGzip, 'Last-Event-ID': 'zz9-5' }), '$gap')
    expect(unknown).toContain('"reason":"unknown"')
  })

  test('carries an event of the largest size, and what stands beside it', async () => {
    const large = '가'.repeat(87_381)
    expect(Buffer.byteLength(large)).toBe(256 * 1024 - 1)
    const stream = open('/events/a')
    await until(stream, '$cursor')
    await publish(`${large}!`)
    await publish('after')
    const came = await until(stream, 'data: after')
    expect(dataOf(came)).toEqual([`${large}!`, 'after'])
    expect(bytesOf(stream).length).toBeLessThan(large.length / 4)
  })

  test('says $cursor in silence, the last words of an ended topic, and when to come again', async () => {
    const quick = await startHub({ settings: { compression: 'gzip' }, hub: { heartbeatMs: 100 } })
    const listen = (target: string) => {
      const connection = new RawConnection(quick.port).write(request('GET', target, inGzip))
      opened.push(connection)
      return connection
    }
    const [ending, draining, conflated] = [listen('/events/a'), listen('/events/b'), listen('/events/c?conflate=50')]
    for (const stream of [ending, draining, conflated]) {
      await stream.until(
        received =>
          received.includes('\r\n\r\n') && eventsOf(read(stream)).filter(({ type }) => type === '$cursor').length > 2,
      )
    }
    await quick.hub.publish([...Array.from({ length: 50 }, (_, i) => ({ topic: 'c', data: order(i) }))])
    await until(conflated, '"number":49')
    expect(dataOf(read(conflated)).length).toBeLessThan(50)
    await quick.hub.publish([{ topic: 'a', data: order(1), end: true }])
    await ending.closed()
    expect(
      eventsOf(read(ending))
        .slice(-2)
        .map(({ type }) => type),
    ).toEqual(['message', '$end'])
    await quick.server.drain(2_000)
    await draining.closed()
    expect(read(draining)).toMatch(/retry: \d+\n$/)
    await quick.close()
  })

  test('of who reads slowly goes on from the log, with all of it', async () => {
    const stream = open('/events/a')
    await until(stream, '$cursor')
    stream.socket.pause()
    // What does not become less, so that it fills what the kernel takes.
    const noise = (number: number) =>
      `${number} ${Array.from({ length: 3000 }, () => Math.random().toString(36).slice(2)).join('')}`
    const said: string[] = []
    await vi.waitFor(
      async () => {
        const more = Array.from({ length: 20 }, (_, i) => noise(said.length + i))
        said.push(...more)
        await publish(...more)
        expect(hub.hub.status.heldBytes).toBeGreaterThan(0)
      },
      { timeout: 15_000, interval: 0 },
    )
    const more = Array.from({ length: 20 }, (_, i) => noise(said.length + i))
    said.push(...more)
    await publish(...more)
    stream.socket.resume()
    await vi.waitFor(() => expect(hub.hub.status.encodings['event-stream+gzip']).toEqual({ live: 1, catchingUp: 0 }), {
      timeout: 15_000,
    })
    await publish('the last')
    await stream.until(received => received.length > 0 && read(stream).includes('data: the last\n'))
    expect(dataOf(read(stream)).slice(0, -1)).toEqual(said)
    expect(hub.hub.counters.catchUp.events).toBeGreaterThan(0)
  })

  test('is answered to HEAD as to GET', async () => {
    const lines = (head: string) =>
      head
        .replace(/Date: .*/, '')
        .split('\r\n')
        .sort()
    for (const accept of ['text/event-stream', 'application/x-ndjson']) {
      const got = open('/events/a', { ...inGzip, Accept: accept })
      await until(got, '$cursor')
      const asked = new RawConnection(hub.port).write(request('HEAD', '/events/a', { ...inGzip, Accept: accept }))
      await asked.closed()
      expect(lines(headOf(asked))).toEqual(lines(headOf(got)))
      expect(bytesOf(asked).length).toBe(0)
    }
  })

  test('that is refused says why as it is', async () => {
    const full = await startHub({ settings: { compression: 'gzip', limits: { maxStreams: 0 } } })
    const answer = await exchange(full.port, request('GET', '/events/a', inGzip))
    expect(answer.headers['content-encoding']).toBeUndefined()
    expect(answer.body).toMatch(/^: overloaded: .*\nretry: \d+\n\n$/)
    await full.close()
  })
})

describe('clients that read gzip by themselves', () => {
  // Another one who hears the same, so that what comes is compressed behind what both have.
  beforeEach(async () => void (await until(open('/events/a'), '$cursor')))

  test('fetch of Node.js hears each event before the next is published, and the end', async () => {
    const response = await fetch(`${hub.url}/events/a`)
    expect(response.headers.get('content-encoding')).toBe('gzip')
    const decoder = new TextDecoder()
    let text = ''
    const reader = response.body?.getReader()
    const hear = async (wanted: string) => {
      while (!text.includes(wanted)) {
        const { done, value } = (await reader?.read()) ?? { done: true }
        if (done) throw new Error(`It ended with ${text}`)
        text += decoder.decode(value, { stream: true })
      }
    }
    await hear('$cursor')
    for (let number = 1; number <= 10; number++) {
      const data = number % 2 ? order(number) : `짧은 소식 ${number} 🎉`
      await publish(data)
      await hear(`data: ${data}\n\n`)
    }
    await hub.hub.publish([{ topic: 'a', data: 'bye', end: true }])
    await hear('event: $end')
    expect(await reader?.read()).toEqual({ done: true, value: undefined })
  })

  test.skipIf(!curl)('curl hears each event before the next is published, and the end', async () => {
    const listening = run(curl ?? '', ['-sSN', '--compressed', `${hub.url}/events/a`], '/')
    await listening.until(/\$cursor/)
    for (let number = 1; number <= 10; number++) {
      const data = number % 2 ? order(number) : `짧은 소식 ${number} 🎉`
      const [id] = await publish(data)
      await listening.until(new RegExp(`id: ${id}\n.*\n\n`))
      expect(listening.output()).toContain(`data: ${data}\n\n`)
    }
    await hub.hub.publish([{ topic: 'a', data: 'bye', end: true }])
    expect(await listening.ended).toBe(0)
    expect(listening.output()).toMatch(/event: \$end\ndata: \{\}\n\n$/)
  })
})

describe('a page in gzip', () => {
  const page = (target: string, headers: Record<string, string> = inGzip, method = 'GET') =>
    fetch(`${hub.url}${target}`, { method, headers: { Accept: 'application/json', ...headers } })

  test('is for who asks, where it is worth it, under the same tag', async () => {
    await publish(...Array.from({ length: 50 }, (_, i) => order(i)))
    const [compressed, plain] = await Promise.all([
      page('/events/a'),
      page('/events/a', { 'Accept-Encoding': 'identity' }),
    ])
    expect([compressed.headers.get('content-encoding'), plain.headers.get('content-encoding')]).toEqual(['gzip', null])
    expect(compressed.headers.get('vary')).toBe('Accept, Accept-Encoding, Origin')
    expect(Number(compressed.headers.get('content-length'))).toBeLessThan(
      Number(plain.headers.get('content-length')) / 4,
    )
    expect(await compressed.json()).toEqual(await plain.json())
    const tag = plain.headers.get('etag') ?? ''
    expect(compressed.headers.get('etag')).toBe(tag)
    expect((await page('/events/a', { ...inGzip, 'If-None-Match': tag })).status).toBe(304)
    const head = await page('/events/a', inGzip, 'HEAD')
    expect(head.headers.get('content-length')).toBe(compressed.headers.get('content-length'))
    expect(head.headers.get('content-encoding')).toBe('gzip')
    expect((await page('/events/a?limit=1')).headers.get('content-encoding')).toBeNull()
    expect((await page('/events/b')).headers.get('content-encoding')).toBeNull()
  })

  test('is made once for those who waited for it, and comes as it is where too many are made at once', async () => {
    const waiting = Array.from({ length: 40 }, () => page('/events/a?wait=20'))
    await vi.waitFor(() => expect(hub.hub.subscribers('a')).toBe(40), { timeout: 15_000 })
    await publish(order(1).repeat(20))
    const answers = await Promise.all(waiting)
    expect(answers.every(({ headers }) => headers.get('content-encoding') === 'gzip')).toBe(true)
    const bodies = await Promise.all(answers.map(answer => answer.text()))
    expect(new Set(bodies).size).toBe(1)

    await publish(...Array.from({ length: 40 }, (_, i) => order(i).repeat(20)))
    const cursors = (await hub.log.read(1, { maxEvents: 40, maxBytes: 1e6 })).events
    const many = await Promise.all(
      cursors.map(({ offset }) =>
        page(`/events/a?limit=3&lastEventId=${hub.hub.status.tail.split('-')[0]}-${offset - 1}`),
      ),
    )
    expect(many).toHaveLength(40)
    for (const [i, answer] of many.entries()) {
      const { events }: { events: { data: string }[] } = JSON.parse(await answer.text())
      expect(events[0]?.data).toBe(order(i).repeat(20))
    }
  })
})
