import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createHttpServer, type HubServer } from '../../src/http/server.js'
import { resolveHttpSettings } from '../../src/http/settings.js'
import type { Hub } from '../../src/hub/hub.js'
import { TidingsError } from '../../src/wire/errors.js'
import { exchange, type HubOnHttp, hubLike, type RawAnswer, request, startHub } from './hub-on-http.js'

let hub: HubOnHttp
let server: HubServer | undefined
let reports: string[]
beforeEach(async () => {
  hub = await startHub()
  reports = []
})
afterEach(async () => {
  await server?.close()
  await hub.close()
})

/** A hub all of whose doings fail. */
async function failing(error: Error): Promise<number> {
  const fail = () => Promise.reject(error)
  const broken: Partial<Hub> = { publish: fail, begin: fail, page: fail, topics: fail, topic: fail }
  server = createHttpServer({
    hub: hubLike(hub.hub, broken),
    settings: resolveHttpSettings({ port: 0 }),
    report: (message, cause) => void reports.push(`${message} ${String(cause)}`),
  })
  return (await server.listen()).port
}

const requests = {
  publish: request('POST', '/events/a', {}, 'x'),
  lines: request('POST', '/events', { 'Content-Type': 'application/x-ndjson' }, '{"topic":"a","data":"x"}'),
  page: request('GET', '/events/a', { Accept: 'application/json' }),
  lineStream: request('GET', '/events/a', { Accept: 'application/x-ndjson' }),
  topics: request('GET', '/topics'),
  stream: request('GET', '/events/a'),
}

async function askAll(port: number): Promise<Record<string, RawAnswer>> {
  const answers: Record<string, RawAnswer> = {}
  for (const [name, bytes] of Object.entries(requests)) answers[name] = await exchange(port, bytes)
  return answers
}

describe('what goes wrong inside', () => {
  test('is told to the operator, and not to the caller', async () => {
    const answers = await askAll(await failing(new Error('ENOENT: /var/lib/secret')))
    for (const [name, answer] of Object.entries(answers)) {
      expect([name, answer.status, answer.code]).toEqual([name, 500, 'internal'])
      expect(answer.body).not.toContain('secret')
    }
    expect(reports).toHaveLength(Object.keys(requests).length)
    expect(reports.every(report => report.includes('/var/lib/secret'))).toBe(true)
  })

  test('while the log does not answer, is to be tried again', async () => {
    const { stream, ...others } = await askAll(
      await failing(new TidingsError('log-unavailable', 'connect 10.0.0.7:6379 refused')),
    )
    for (const [name, answer] of Object.entries(others)) {
      expect([name, answer.status, answer.code]).toEqual([name, 503, 'log-unavailable'])
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
      expect(answer.body).not.toContain('10.0.0.7')
    }
    expect(JSON.parse(others['lines']?.body ?? '')).toMatchObject({ accepted: 0, lastId: null })
    expect(stream?.status).toBe(200)
    expect(stream?.body).toMatch(/^: log-unavailable: The log does not answer\nretry: \d+\n\n$/)
    expect(reports).toEqual([])
  })

  test('of the program itself is never answered by its own code', async () => {
    const { publish } = await askAll(await failing(new TidingsError('log-corrupt', '/var/lib/secret is damaged')))
    expect([publish?.status, publish?.code]).toEqual([500, 'internal'])
    expect(publish?.body).not.toContain('secret')
  })
})

test('a hub that drains is not ready, and publishes nothing', async () => {
  const port = await failing(new TidingsError('draining', 'The hub is shutting down.'))
  await hub.hub.drain(1000)
  expect((await exchange(port, request('GET', '/readyz'))).code).toBe('draining')
  expect((await exchange(port, request('GET', '/healthz'))).status).toBe(200)
  const answer = await exchange(port, requests.publish)
  expect([answer.status, answer.code]).toEqual([503, 'draining'])
  expect((await exchange(port, requests.stream)).body).toContain(': draining')
})
