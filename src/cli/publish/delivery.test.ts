import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createDelivery } from './delivery.js'
import { createSender, Unanswered } from './sender.js'

afterEach(() => void vi.useRealTimers())

interface Asked {
  readonly key: string
  readonly lines: readonly string[]
}

/** A hub that answers as it is told: the requests in their order get the answers in theirs. */
async function scripted(
  answers: readonly ((response: ServerResponse) => void)[],
  options: { giveUpAfterMs?: number } = {},
) {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    asked.push({ key: String(request.headers['idempotency-key']), lines: body.trim().split('\n') })
    answers[asked.length - 1]?.(response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const url = new URL(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
  const never = new AbortController().signal
  const stopping = { asked: never, expired: never, next: () => never, dispose: () => undefined }
  const told: string[] = []
  const tell = (message: string) => void told.push(message)
  const sender = createSender({ url, giveUpAfterMs: options.giveUpAfterMs ?? 60_000, stopping, tell })
  const refused: (readonly [number, string])[] = []
  let published = 0
  const delivery = createDelivery({
    sender,
    onlyTopic: undefined,
    maxLines: 500,
    onRefused: (line, code) => void refused.push([line, code]),
    onPublished: count => {
      published += count
    },
  })
  onTestFinished(() => {
    sender.close()
    server.closeAllConnections()
    server.close()
  })
  return { delivery, asked, told, refused, published: () => published }
}

const lines = (...numbers: readonly number[]) => numbers.map(number => ({ number, json: `{"n":${number}}`, bytes: 10 }))
const texts = (...numbers: readonly number[]) => lines(...numbers).map(({ json }) => json)

const done = (response: ServerResponse) => void response.end('{"accepted":1,"lastId":"e1-1"}')
const cut = (response: ServerResponse) => void response.destroy()
const problem = (status: number, members: Readonly<Record<string, unknown>>) => (response: ServerResponse) =>
  void response
    .writeHead(status, { 'Content-Type': 'application/problem+json' })
    .end(JSON.stringify({ detail: 'Because.', ...members }))

describe('a batch', () => {
  it('that is not answered is repeated under its key, and the next one has another', async () => {
    const { delivery, asked } = await scripted([cut, problem(503, { code: 'draining' }), done, done])
    await delivery.deliver(lines(1, 2))
    await delivery.deliver(lines(3))
    expect(asked.map(each => each.lines)).toEqual([texts(1, 2), texts(1, 2), texts(1, 2), texts(3)])
    const keys = asked.map(({ key }) => key)
    expect(keys.slice(0, 3)).toEqual([keys[0], keys[0], keys[0]])
    expect(keys[3]).not.toBe(keys[0])
  })

  it('of which a line is refused is gone on with behind that, under another key', async () => {
    const refusal = problem(413, { code: 'too-large', line: 3, accepted: 2, lastId: 'e1-2' })
    const { delivery, asked, refused, published } = await scripted([refusal, done])
    await delivery.deliver(lines(1, 2, 5, 6, 7))
    expect(refused).toEqual([[5, 'too-large']])
    expect(asked.map(each => each.lines)).toEqual([texts(1, 2, 5, 6, 7), texts(6, 7)])
    expect(asked[1]?.key).not.toBe(asked[0]?.key)
    expect(published()).toBe(4)
    expect(delivery.settled).toBe(7)
  })

  it('of which a full log kept a part is gone on with behind that, so that no hub needs to remember it', async () => {
    const full = problem(503, { code: 'log-full', line: 3, accepted: 2, lastId: 'e1-2' })
    const { delivery, asked, published } = await scripted([full, problem(503, { code: 'log-full', accepted: 0 }), done])
    await delivery.deliver(lines(1, 2, 3, 4))
    expect(asked.map(each => each.lines)).toEqual([texts(1, 2, 3, 4), texts(3, 4), texts(3, 4)])
    expect(asked[1]?.key).not.toBe(asked[0]?.key)
    expect(asked[2]?.key).toBe(asked[1]?.key)
    expect(published()).toBe(4)
  })

  it('of which a part is kept, and the rest may be, goes on under its key', async () => {
    const full = problem(503, { code: 'log-full', line: 3, accepted: 2, lastId: 'e1-2' })
    const { delivery, asked, published } = await scripted([cut, full, done, done])
    await delivery.deliver(lines(1, 2, 3, 4))
    expect(asked.map(each => each.lines)).toEqual([texts(1, 2, 3, 4), texts(1, 2, 3, 4), texts(1, 2, 3, 4)])
    expect(new Set(asked.map(({ key }) => key)).size).toBe(1)
    expect(published()).toBe(4)
  })

  it('that is refused as a whole ends it', async () => {
    const { delivery } = await scripted([problem(403, { code: 'host-not-allowed' })])
    await expect(delivery.deliver(lines(1))).rejects.toMatchObject({
      exitCode: 3,
      message: /Because.*host-not-allowed/,
    })
  })

  it.each([
    ['may be there', cut, true],
    ['is not there', problem(503, { code: 'overloaded' }), false],
  ])('that is given up %s, which is known', async (_, answer, isUnknown) => {
    const { delivery } = await scripted([answer], { giveUpAfterMs: 0 })
    const failure = await delivery.deliver(lines(4, 5)).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(Unanswered)
    expect(failure).toMatchObject({ isUnknown })
    expect([delivery.settled, delivery.unknown]).toEqual([0, isUnknown ? 5 : 0])
  })

  it('that is repeated later than the hub knows it is told of; not if no hub ever had it', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const later = (answer: (response: ServerResponse) => void) => (response: ServerResponse) => {
      vi.advanceTimersByTime(111_000)
      answer(response)
    }
    const options = { giveUpAfterMs: Number.POSITIVE_INFINITY }
    const lost = await scripted([later(cut), done], options)
    await lost.delivery.deliver(lines(1, 2))
    expect(lost.told.join('\n')).toContain('lines 1 to 2 may be there twice')
    const unheard = await scripted([later(problem(503, { code: 'overloaded' })), done], options)
    await unheard.delivery.deliver(lines(1, 2))
    expect(unheard.told.join('\n')).not.toContain('twice')
  })

  it('of which a part is kept is not repeated whole when the hub may have forgotten it', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const later = (ms: number, answer: (response: ServerResponse) => void) => (response: ServerResponse) => {
      vi.advanceTimersByTime(ms)
      answer(response)
    }
    const full = later(111_000, problem(503, { code: 'log-full', line: 3, accepted: 2, lastId: 'e1-2' }))
    const options = { giveUpAfterMs: 111_500 }
    const { delivery, asked, told, published } = await scripted([cut, full, done], options)
    await delivery.deliver(lines(1, 2, 3, 4))
    expect(asked.map(each => each.lines)).toEqual([texts(1, 2, 3, 4), texts(1, 2, 3, 4), texts(3, 4)])
    expect(asked[2]?.key).not.toBe(asked[0]?.key)
    expect(told.join('\n')).toContain('lines 1 to 4 may be there twice')
    expect(published()).toBe(4)
    const stillFull = later(1_000, problem(503, { code: 'log-full', accepted: 0 }))
    const { delivery: givenUp } = await scripted([cut, full, stillFull], options)
    await expect(givenUp.deliver(lines(1, 2, 3, 4))).rejects.toThrow(Unanswered)
    expect([givenUp.settled, givenUp.unknown]).toEqual([2, 4])
  })
})
