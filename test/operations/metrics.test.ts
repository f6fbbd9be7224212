import { connect } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type HubProcess, startHubProcess } from '../support/hub-process.js'
import { readMetrics } from './samples.js'

const patience = { timeout: 10_000, interval: 20 }

async function hear(hub: HubProcess, target: string, accept = 'text/event-stream'): Promise<() => string> {
  const abort = new AbortController()
  onTestFinished(() => abort.abort())
  const { body } = await fetch(`${hub.url}${target}`, { headers: { accept }, signal: abort.signal })
  let text = ''
  const read = async () => {
    for await (const piece of body ?? []) text += Buffer.from(piece).toString()
  }
  read().catch(() => undefined)
  await vi.waitFor(() => expect(text).toContain('$cursor'), patience)
  return () => text
}

function say(hub: HubProcess, topic: string, data: string): Promise<Response> {
  return fetch(`${hub.url}/events/${topic}`, { method: 'POST', body: data })
}

describe('the figures of a hub', () => {
  it('are what was done', async () => {
    const hub = await startHubProcess({ args: ['--limits-max-streams', '3'] })
    const heard = [
      await hear(hub, '/events/a'),
      await hear(hub, '/events/a'),
      await hear(hub, '/events', 'application/x-ndjson'),
    ]
    const poll = new AbortController()
    void fetch(`${hub.url}/events/quiet?wait=60`, {
      headers: { accept: 'application/json' },
      signal: poll.signal,
    }).catch(() => undefined)
    for (const data of ['one', 'two']) expect((await say(hub, 'a', data)).status).toBe(200)
    expect((await say(hub, '$a', 'no')).status).toBe(403)
    const lines = await fetch(`${hub.url}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: '{"topic":"b","data":"1"}\n{"topic":"b","data":"2"}\n',
    })
    expect(lines.status).toBe(200)
    await vi.waitFor(() => {
      for (const text of heard.slice(0, 2)) expect(text()).toContain('data: two')
      expect(heard[2]?.()).toContain('"data":"2"')
    }, patience)
    // One stream too many.
    await (await fetch(`${hub.url}/events/a`)).text()

    const samples = await readMetrics(hub.url)
    expect(samples.of('tidings_publish_requests_total')).toBe(4)
    expect(samples.of('tidings_published_events_total')).toBe(4)
    expect(samples.of('tidings_append_duration_seconds_count')).toBe(3)
    expect(samples.of('tidings_append_batch_events_sum')).toBe(4)
    expect(samples.of('tidings_refused_total', { operation: 'publish', code: 'reserved-topic' })).toBe(1)
    expect(samples.of('tidings_refused_total', { operation: 'read', code: 'overloaded' })).toBe(1)
    // Two readers were given two events each, one all four.
    expect(samples.of('tidings_delivered_events_total', { mode: 'live' })).toBe(8)
    expect(samples.of('tidings_delivered_bytes_total', { mode: 'live' })).toBeGreaterThan(8 * 20)
    expect(samples.of('tidings_live_lag_seconds_count')).toBeGreaterThanOrEqual(3)
    expect(samples.of('tidings_subscriptions', { transport: 'event-stream', state: 'live' })).toBe(2)
    expect(samples.of('tidings_subscriptions', { transport: 'ndjson', state: 'live' })).toBe(1)
    expect(samples.of('tidings_subscriptions', { transport: 'long-poll', state: 'live' })).toBe(1)
    expect(samples.of('tidings_long_polls')).toBe(1)
    expect(samples.of('tidings_streams_limit')).toBe(3)
    expect(samples.of('tidings_log_events')).toBe(4)
    expect(samples.of('tidings_log_bytes')).toBe(2 * ('a'.length + 3) + 2 * 2)
    expect(samples.of('tidings_log_oldest_event_timestamp_seconds')).toBeGreaterThan(Date.now() / 1000 - 60)
    expect(samples.of('tidings_log_up')).toBe(1)
    expect(samples.of('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0)

    poll.abort()
    await vi.waitFor(async () => expect((await readMetrics(hub.url)).of('tidings_long_polls')).toBe(0), patience)
  })

  it('tell of readers that are behind, and how far', async () => {
    const hub = await startHubProcess()
    const socket = connect(hub.port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.write('GET /events/a HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n')
    await new Promise<void>(resolve => socket.once('data', () => resolve()))
    // From here on it reads nothing.
    socket.pause()
    const data = 'x'.repeat(200_000)
    for (let i = 0; i < 60; i++) await say(hub, 'a', data)
    await vi.waitFor(async () => {
      const samples = await readMetrics(hub.url)
      expect(samples.of('tidings_subscriptions', { transport: 'event-stream', state: 'catching_up' })).toBe(1)
      expect(samples.of('tidings_catch_up_behind_events')).toBeGreaterThan(0)
      expect(samples.of('tidings_catch_up_behind_seconds')).toBeGreaterThan(0)
      expect(samples.of('tidings_held_bytes')).toBeGreaterThan(0)
      expect(samples.of('tidings_recent_bytes')).toBeGreaterThan(0)
    }, patience)
    socket.resume()
    await vi.waitFor(async () => {
      const samples = await readMetrics(hub.url)
      expect(samples.of('tidings_delivered_events_total', { mode: 'catch_up' })).toBeGreaterThan(0)
      expect(samples.of('tidings_catch_up_behind_events')).toBe(0)
      expect(samples.of('tidings_held_bytes')).toBe(0)
    }, patience)
  })

  it('have no label that callers can multiply', async () => {
    const hub = await startHubProcess({ args: ['--demo'] })
    const before = (await readMetrics(hub.url)).series
    for (let i = 0; i < 50; i++) {
      await say(hub, `topic/${i}`, 'x')
      await fetch(`${hub.url}/nothing/${i}`, { headers: { 'user-agent': `agent-${i}` } })
      await fetch(`${hub.url}/events/t?key${i}=1`, { method: 'POST', body: 'x' })
    }
    const { series } = await readMetrics(hub.url)
    const added = series.filter(name => !before.includes(name) && name.startsWith('tidings_'))
    expect(added.sort()).toEqual([
      'tidings_refused_total{operation="other",code="not-found"}',
      'tidings_refused_total{operation="publish",code="unknown-parameter"}',
    ])
  })

  it('ask for the token that the settings name', async () => {
    const hub = await startHubProcess({ env: { TIDINGS_METRICS_TOKEN: 'opens-sesame' } })
    const ask = (headers: Record<string, string>) => fetch(`${hub.url}/metrics`, { headers })
    expect((await ask({})).status).toBe(401)
    expect((await ask({ authorization: 'Bearer opens-sesami' })).status).toBe(401)
    expect((await ask({ authorization: 'Bearer opens-sesame' })).status).toBe(200)
    expect(hub.output()).not.toContain('sesame')
  })
})
