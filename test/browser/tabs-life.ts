import { expect } from 'vitest'
import { eventually } from '../support/hub-page.js'
import type { Random } from '../support/random.js'
import type { LivingTab, Sleep, TabBrowser } from './tabs.js'

export const allTopics = ['news', 'stocks/AAPL', 'stocks/MSFT', 'chat'] as const

export interface TabsLifeOptions {
  readonly browser: TabBrowser
  readonly random: Random
  /** How long tabs come, go and sleep. */
  readonly lastsMs: number
  /** What may befall tabs. */
  readonly sleeps: readonly Sleep['name'][]
  say(topic: string, data: string): Promise<string>
  toUrl(topics: readonly string[], cursor: string): string
  /** How many streams there are. */
  streams(): number
}

interface Life {
  readonly tab: LivingTab
  readonly topics: readonly string[]
  /** How many events had been said when it was opened. */
  readonly from: number
  sleep?: Sleep | undefined
}

/** What happens to eight tabs, at random, and what they have to have heard. */
export class TabsLife {
  readonly #options: TabsLifeOptions
  readonly #said: { readonly topic: string; readonly data: string }[] = []
  #cursor = ''
  #tabs: Life[] = []
  readonly #did: Record<string, number> = {}

  constructor(options: TabsLifeOptions) {
    this.#options = options
  }

  async run(): Promise<void> {
    const { random, lastsMs } = this.#options
    await this.#say()
    for (let i = 0; i < 8; i++) await this.#open()
    await this.#check()
    const end = Date.now() + lastsMs
    for (let step = 1; Date.now() < end; step++) {
      await this.#act()
      for (let i = random.below(4); i >= 0; i--) await this.#say()
      if (step % 8 === 0) await this.#check()
    }
    for (const life of this.#tabs) await this.#wake(life)
    await this.#say()
    await this.#check()
    process.stdout.write(`${JSON.stringify({ ...this.#did, events: this.#said.length })}\n`)
  }

  async #act(): Promise<void> {
    const { random, sleeps } = this.#options
    const awake = this.#tabs.filter(({ sleep }) => !sleep)
    const asleep = this.#tabs.filter(({ sleep }) => sleep)
    if (this.#tabs.length < 8) return await this.#open()
    const what = random.below(10)
    if (what < 3 && asleep.length > 0) return await this.#wake(random.pick(asleep))
    // Somebody has to be there to notice.
    if (awake.length < 4) return
    const life = random.pick(awake)
    if (what < 5) await this.#remove(life, 'closed', () => life.tab.close())
    else if (what < 7) await this.#remove(life, 'crashed', () => life.tab.crash())
    else {
      const possible = life.tab.sleeps.filter(({ name }) => sleeps.includes(name))
      if (possible.length === 0) return
      const sleep = random.pick(possible)
      this.#count(sleep.name)
      await sleep.begin()
      life.sleep = sleep
    }
  }

  async #remove(life: Life, what: string, remove: () => Promise<void>): Promise<void> {
    const heard = await life.tab.evaluate<string[] | null>('globalThis.heard ?? null')
    if (heard) expect(heard).toEqual(this.#owed(life).slice(0, heard.length))
    this.#count(what)
    this.#tabs = this.#tabs.filter(other => other !== life)
    await remove()
  }

  async #wake(life: Life): Promise<void> {
    await life.sleep?.end()
    life.sleep = undefined
  }

  async #say(): Promise<void> {
    const topic = this.#options.random.pick(allTopics)
    const data = `${this.#said.length + 1}`
    this.#said.push({ topic, data })
    this.#cursor = await this.#options.say(topic, data)
  }

  async #open(): Promise<void> {
    this.#count('opened')
    const { random, browser, toUrl } = this.#options
    const some = allTopics.filter(() => random.chance(0.5))
    const topics = some.length > 0 ? some : ['news']
    const from = this.#said.length
    this.#tabs.push({ tab: await browser.open(toUrl(topics, this.#cursor)), topics, from })
  }

  #owed({ from, topics }: Life): string[] {
    return this.#said
      .slice(from)
      .filter(({ topic }) => topics.includes(topic))
      .map(({ data }) => data)
  }

  /** All that are awake come to hear all, and there is one connection; that of a tab that was stopped is left open until its browser sees to it. */
  async #check(): Promise<void> {
    for (const life of this.#tabs.filter(({ sleep }) => !sleep)) {
      await eventually(async () => expect(await life.tab.evaluate('globalThis.heard')).toEqual(this.#owed(life)))
    }
    const stopped = this.#tabs.filter(({ sleep }) => sleep?.name === 'stopped')
    await eventually(() => {
      const streams = this.#options.streams()
      expect(streams).toBeGreaterThanOrEqual(1)
      expect(streams).toBeLessThanOrEqual(1 + stopped.length)
    })
  }

  #count(what: string): void {
    this.#did[what] = (this.#did[what] ?? 0) + 1
  }
}
