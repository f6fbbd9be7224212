import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { browserProgram, openBrowser } from '../support/browser.js'
import { freePort, type HubProcess, startHubProcess } from '../support/hub-process.js'

describe.skipIf(!browserProgram)('a browser that listens while the hub is killed and started again', () => {
  let directory = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidings-resume-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it('hears everything that was said, in order, once', async () => {
    const where = { port: await freePort(), log: `lmdb:${directory}` }
    let hub = await startHubProcess(where)
    const page = await (await openBrowser()).newPage()
    await page.goto(`${hub.url}/`)
    await page.evaluate(listen)
    const publisher = startPublisher(hub)

    for (let round = 1; round <= 2; round++) {
      const before = publisher.said.length
      await vi.waitFor(() => expect(publisher.said.length).toBeGreaterThan(before + 20), { timeout: 15_000 })
      await hub.kill()
      // It goes on trying while nobody is there.
      const tries = publisher.failures()
      await vi.waitFor(() => expect(publisher.failures()).toBeGreaterThan(tries), { timeout: 15_000 })
      hub = await startHubProcess(where)
    }
    const before = publisher.said.length
    await vi.waitFor(() => expect(publisher.said.length).toBeGreaterThan(before + 20), { timeout: 15_000 })
    await publisher.stop()

    const said = publisher.said
    await vi.waitFor(async () => expect((await heard(page)).at(-1)).toBe(said.at(-1)), {
      timeout: 20_000,
      interval: 100,
    })
    expect(await heard(page)).toEqual(said)
  }, 60_000)
})

/** Says one numbered text after the other, and each again until it is answered. */
function startPublisher({ url }: HubProcess): {
  readonly said: readonly string[]
  failures(): number
  stop(): Promise<void>
} {
  const said: string[] = []
  let failures = 0
  let isStopped = false
  const say = async (text: string, key: string): Promise<void> => {
    for (;;) {
      try {
        const response = await fetch(`${url}/events/news`, {
          method: 'POST',
          body: text,
          headers: { 'content-type': 'text/plain', 'idempotency-key': key },
          signal: AbortSignal.timeout(5_000),
        })
        if (response.ok) return
      } catch (error) {
        if (!(error instanceof Error)) throw error
      }
      failures++
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
  const loop = async (): Promise<void> => {
    while (!isStopped) {
      const text = `소식 ${said.length}\n줄바꿈 🎉 “τέλος” 👩‍👩‍👧`
      await say(text, `news-${said.length}`)
      said.push(text)
    }
  }
  const done = loop()
  return {
    said,
    failures: () => failures,
    stop: () => {
      isStopped = true
      return done
    },
  }
}

declare global {
  // Lives in the page only.
  var heardTexts: string[]
}

function listen(): void {
  globalThis.heardTexts = []
  const source = new EventSource('/events/news?since=earliest')
  source.onmessage = message => {
    globalThis.heardTexts.push(String(message.data))
  }
}

function heard(page: Page): Promise<string[]> {
  return page.evaluate(() => globalThis.heardTexts)
}
