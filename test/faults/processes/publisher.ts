import { Agent, request as open } from 'node:http'
import { setImmediate as nextTurn, setTimeout as rest } from 'node:timers/promises'
import type { Random } from '../../support/random.js'

/** What was to be said. */
export interface Saying {
  readonly topic: string
  readonly data: string
}

export interface Answered extends Saying {
  /** Lines have none but the last, which is told. */
  readonly id: string | undefined
}

export interface PublisherOptions {
  readonly port: number
  /** Comes first in all its data, which are unique thereby. Visible ASCII. */
  readonly name: string
  /** One event a request; an array of them; or a line each, of a body that is sent piece by piece. */
  readonly form: 'single' | 'array' | 'lines'
  /** Whether it repeats, under the same `Idempotency-Key`, what was not answered, until it is. Otherwise it sends no key, and goes on. */
  readonly repeats: boolean
  readonly topics: readonly string[]
  readonly random: Random
  /** Called with each answer and each piece that is sent, before anything else can happen. */
  readonly onStep?: (() => void) | undefined
}

interface Answer {
  readonly status: number
  readonly body: string
}

const mediaTypes = { single: 'text/plain', array: 'application/json', lines: 'application/x-ndjson' } as const

/** So long it waits before it says again what was not answered, for the sake of whoever else runs here. */
const againMs = 5

/** Says one thing after the other, without rest, until it is stopped, over whatever happens to the hub. */
export class Publisher {
  readonly attempted: Saying[] = []
  readonly answered: Answered[] = []
  /** How many requests had no answer, or one that says that it is unknown what became of it. */
  unanswered = 0
  readonly name: string
  readonly repeats: boolean
  readonly #options: PublisherOptions
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  #isStopped = false
  #isAbandoned = false
  #number = 0
  readonly #done: Promise<void>

  constructor(options: PublisherOptions) {
    this.#options = options
    this.name = options.name
    this.repeats = options.repeats
    this.#done = this.#run()
    // Thrown by `stop`, which may come later.
    this.#done.catch(() => undefined)
  }

  /** Begins nothing more. Resolves when what was begun is answered, or, if it is not repeated, was not. Rejects if an answer was none that it may have. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#done
    this.#agent.destroy()
  }

  /** Ends at once, whatever is under way. */
  abandon(): void {
    this.#isStopped = true
    this.#isAbandoned = true
    this.#agent.destroy()
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) await this.#say(this.#think())
  }

  #think(): readonly Saying[] {
    const { form, random, topics, name } = this.#options
    const count = form === 'single' ? 1 : form === 'array' ? 1 + random.below(20) : 1 + random.below(200)
    const thought = Array.from({ length: count }, () => ({
      topic: random.pick(topics),
      data: `${name} ${this.#number++}\n${'.'.repeat(random.below(200))}`,
    }))
    this.attempted.push(...thought)
    return thought
  }

  async #say(sayings: readonly Saying[]): Promise<void> {
    const { repeats, name } = this.#options
    const key = repeats ? `${name}-${this.#number}` : undefined
    for (;;) {
      const answer = await this.#send(sayings, key)
      if (answer?.status === 200) {
        this.#note(sayings, JSON.parse(answer.body))
        return
      }
      if (answer && answer.status !== 503) throw new Error(`${name} was answered ${answer.status} ${answer.body}`)
      this.unanswered++
      if (!repeats || this.#isAbandoned) return
      await rest(againMs)
    }
  }

  #note(sayings: readonly Saying[], answer: { id?: string; ids?: string[]; accepted?: number; lastId?: string }): void {
    if (this.#options.form === 'lines' && answer.accepted !== sayings.length) {
      throw new Error(`${sayings.length} lines, but ${answer.accepted} accepted`)
    }
    const ids = answer.ids ?? (answer.id === undefined ? [] : [answer.id])
    for (const [i, saying] of sayings.entries()) {
      const last = i === sayings.length - 1 ? answer.lastId : undefined
      this.answered.push({ ...saying, id: ids[i] ?? last })
    }
    this.#options.onStep?.()
  }

  /** Nothing: the connection was cut, or there was none. */
  #send(sayings: readonly Saying[], key: string | undefined): Promise<Answer | undefined> {
    const { port, form, onStep } = this.#options
    const first = sayings[0] as Saying
    const path = form === 'single' ? `/events/${first.topic}` : '/events'
    const headers = { 'Content-Type': mediaTypes[form], ...(key !== undefined && { 'Idempotency-Key': key }) }
    return new Promise(resolve => {
      const request = open({ host: '127.0.0.1', port, path, method: 'POST', headers, agent: this.#agent })
      let answer: Answer | undefined
      request.on('response', response => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (text: string) => {
          body += text
        })
        response.on('end', () => {
          answer = { status: response.statusCode ?? 0, body }
        })
        response.on('error', () => undefined)
      })
      request.on('error', () => undefined)
      request.on('close', () => resolve(answer))
      if (form === 'single') request.end(first.data)
      else if (form === 'array') request.end(JSON.stringify(sayings))
      else void sendLines(sayings)

      async function sendLines(lines: readonly Saying[]): Promise<void> {
        for (const line of lines) {
          if (request.destroyed) return
          request.write(`${JSON.stringify(line)}\n`)
          onStep?.()
          await nextTurn()
        }
        request.end()
      }
    })
  }
}
