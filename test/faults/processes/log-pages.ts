import { setTimeout as rest } from 'node:timers/promises'
import type { EventObject, PageResult } from '../../../src/hub/hub.js'

/** All that the hub's log holds of what matches, read page by page. */
export async function readAll(url: string, query = 'topic=**'): Promise<readonly EventObject[]> {
  const events: EventObject[] = []
  for (let cursor: string | undefined; ; ) {
    const after = cursor === undefined ? '' : `&lastEventId=${cursor}`
    const response = await fetch(`${url}/events?${query}&limit=1000${after}`, {
      headers: { accept: 'application/json' },
    })
    const page: PageResult = JSON.parse(await response.text())
    if (!response.ok || page.gap) throw new Error(`No whole page: ${response.status} ${JSON.stringify(page)}`)
    events.push(...page.events)
    if (!page.more) return events
    cursor = page.cursor
  }
}

/** So long a reader waits before it asks again a hub that did not answer. */
const againMs = 5

/** Hears what matches by long polls, over whatever happens to the hub. */
export class PollingReader {
  readonly events: EventObject[] = []
  readonly gaps: PageResult['gap'][] = []
  readonly #stop = new AbortController()
  readonly #done: Promise<void>

  constructor(url: string, topic: string) {
    this.#done = this.#run(url, topic)
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#done
  }

  async #run(url: string, topic: string): Promise<void> {
    let cursor = ''
    while (!this.#stop.signal.aborted) {
      const after = cursor === '' ? '' : `&lastEventId=${cursor}`
      const page = await this.#poll(`${url}/events?topic=${topic}&limit=1000&wait=10${after}`)
      if (!page) {
        await rest(againMs)
        continue
      }
      this.events.push(...page.events)
      if (page.gap) this.gaps.push(page.gap)
      cursor = page.cursor
    }
  }

  async #poll(url: string): Promise<PageResult | undefined> {
    try {
      const response = await fetch(url, { headers: { accept: 'application/json' }, signal: this.#stop.signal })
      if (!response.ok) return undefined
      const page: PageResult = JSON.parse(await response.text())
      return page
    } catch (error) {
      // There is no hub, or it was cut off in the middle of a page, or the reader was stopped.
      if (error instanceof Error) return undefined
      throw error
    }
  }
}
