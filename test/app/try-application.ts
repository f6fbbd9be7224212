import { expect, it, vi } from 'vitest'
import { read } from './client.js'

/**
 * An application with a session or cookie, CORS for `https://app.example` with credentials, compression where its framework has it, and a
 * header `x-own` of its own. At `/events` the user that `x-user` names hears `news` and `user/NAME`; without one, nothing may be heard; for
 * `mallory` the application throws, and its framework answers that with 418 and `teapot`.
 */
export interface RunningApplication {
  readonly url: string
  /** Resolves to the id. */
  publish(topic: string, data: string, type?: string): Promise<string>
  state(): Promise<ApplicationState>
  /** Closes its hub. */
  close(): Promise<void>
}

export interface ApplicationState {
  /** Of `news`. */
  readonly subscribers: number
  /** How often the application was told that an answer of it was left or is over. */
  readonly left: number
  /** What the hub holds for readers that are slow. */
  readonly heldBytes: number
  /** How the answers went that were streamed. */
  readonly answers?: readonly string[]
}

/** One in a process of its own, which answers what `programs/trial.mjs` does. */
export function remoteApplication(url: string): RunningApplication {
  const ask = async (path: string, init?: RequestInit): Promise<unknown> => (await fetch(`${url}${path}`, init)).json()
  return {
    url,
    publish: async (topic, data, type) => {
      const query = new URLSearchParams({ topic, ...(type !== undefined && { type }) })
      // Some frameworks refuse a form, or what may be one, from elsewhere.
      const headers = { 'content-type': 'text/html' }
      return String(await ask(`/publish?${query}`, { method: 'POST', body: data, headers }))
    },
    state: async () => (await ask('/state')) as ApplicationState,
    close: async () => void (await ask('/close')),
  }
}

/** What holds in every framework and runtime. `start` starts an application, until the test is over. */
export function tryApplication(start: () => Promise<RunningApplication>): void {
  const ann = { 'x-user': 'ann', origin: 'https://app.example', 'accept-encoding': 'gzip, br' }

  it('hears at once what its user may hear, with the headers of the application', async () => {
    const app = await start()
    const reading = await read(`${app.url}/events?own=1`, ann)
    expect(Object.fromEntries(reading.response.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'access-control-allow-origin': 'https://app.example',
      'access-control-allow-credentials': 'true',
      'set-cookie': expect.any(String),
      'x-own': 'yes',
    })
    expect(reading.response.headers.has('content-encoding')).toBe(false)
    expect(await reading.until('event: $cursor')).toMatch(/^retry: \d+\n/)
    await app.publish('user/bob', 'for Bob')
    const id = await app.publish('user/ann', 'for Ann', 'note')
    expect(await reading.until('for Ann')).toContain(`id: ${id}\nevent: note\ntopic: user/ann\ndata: for Ann\n`)
    expect(reading.text).not.toContain('for Bob')
  })

  it('resumes, and reads history and pages', async () => {
    const app = await start()
    const first = await app.publish('news', 'one')
    await app.publish('news', 'two')
    const resumed = await read(`${app.url}/events`, { ...ann, 'last-event-id': first })
    expect(await resumed.until('data: two')).not.toContain('data: one')
    expect(await (await read(`${app.url}/events?since=earliest`, ann)).until('data: two')).toContain('data: one')
    const page = await fetch(`${app.url}/events`, { headers: { ...ann, accept: 'application/json' } })
    expect(await page.json()).toMatchObject({ events: [{ data: 'one' }, { data: 'two' }], more: false })
  })

  it('refuses who may read nothing, leaves errors to the application, and says what is wrong', async () => {
    const app = await start()
    const nobody = await fetch(`${app.url}/events`)
    expect([nobody.status, await nobody.json()]).toMatchObject([403, { code: 'not-allowed' }])
    const failed = await fetch(`${app.url}/events`, { headers: { 'x-user': 'mallory' } })
    // Some frameworks put it into JSON.
    expect([failed.status, await failed.text()]).toEqual([418, expect.stringContaining('teapot')])
    const wrong = await fetch(`${app.url}/events?since=soon`, { headers: ann })
    expect([wrong.status, await wrong.json()]).toMatchObject([400, { code: 'invalid-parameter' }])
  })

  it('notices that a client has left, and tells the application', async () => {
    const app = await start()
    const reading = await read(`${app.url}/events`, ann)
    await reading.until('$cursor')
    const before = await app.state()
    expect(before.subscribers).toBe(1)
    reading.leave()
    await vi.waitFor(async () => {
      const { subscribers, left } = await app.state()
      expect([subscribers, left > before.left]).toEqual([0, true])
    }, patience)
  })

  it('lets out what is coming when it closes, and tells later ones to come back', async () => {
    const app = await start()
    const reading = await read(`${app.url}/events`, ann)
    await reading.until('$cursor')
    await app.publish('news', 'last words')
    await app.close()
    expect(await reading.ended()).toMatch(/data: last words\n\nretry: \d+\n$/)
    const late = await read(`${app.url}/events`, ann)
    expect([late.response.status, await late.ended()]).toEqual([
      200,
      expect.stringMatching(/^: draining: .*\nretry: \d+\n\n$/),
    ])
  })

  it('holds nothing for a reader that stands still, and gives it everything later', async () => {
    const app = await start()
    const reading = await read(`${app.url}/events`, ann)
    await reading.until('$cursor')
    const data = 'x'.repeat(100_000)
    for (let i = 0; i < 60; i++) await app.publish('news', `${i}:${data}`)
    expect((await app.state()).heldBytes).toBeLessThan(2_000_000)
    await reading.until('59:xxx')
    expect([...reading.text.matchAll(/data: (\d+):/g)].map(([, i]) => Number(i))).toEqual(
      Array.from({ length: 60 }, (_, i) => i),
    )
  }, 60_000)
}

/** What holds for one answer to one request, of an application as `programs/trial.mjs` has it. */
export function tryAnswer(start: () => Promise<RunningApplication>): void {
  it('streams one answer, and notices that its client has left', async () => {
    const app = await start()
    expect(await (await read(`${app.url}/answer`)).ended()).toBe(': \ndata: Once\n\ndata: upon\n\ndata: [DONE]\n\n')
    const endless = await read(`${app.url}/answer?endless`)
    await endless.until('xxx')
    endless.leave()
    await vi.waitFor(async () => expect((await app.state()).answers).toEqual(['completed', 'left']), patience)
  })
}

const patience = { timeout: 15_000 }
