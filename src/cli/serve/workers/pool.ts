import type { Listening } from '../../../http/server.js'
import { TidingsError } from '../../../wire/errors.js'
import type { Order, Question, Word } from './messages.js'

/** A process that was started, as the pool needs it. */
export interface WorkerProcess {
  readonly pid: number
  send(order: Order): void
  onWord(call: (word: Word) => void): void
  /** Called once, when it has ended. */
  onEnd(call: (how: string) => void): void
  kill(): void
}

export interface PoolOptions {
  /** 2 or more. */
  readonly count: number
  start(): WorkerProcess
  /** The first order to a worker. */
  begin(index: number): Order
  /** Is told of a worker that ended unasked. */
  lost(fields: { readonly worker: number; readonly pid: number; readonly how: string }): void
  /** Is told of one that took its place. */
  replaced(fields: { readonly worker: number; readonly pid: number }): void
  /** Takes the last figures of workers that have ended; what it gives is answered beside those of the others. */
  readonly departed: { add(figures: unknown): void; figures(): Promise<unknown> }
}

/** How all workers went together. */
export interface Drained {
  readonly letGo: number
  readonly destroyed: number
}

interface Worker {
  readonly index: number
  readonly process: WorkerProcess
  readonly startedAt: number
  isListening: boolean
  subscriptions: number
  /** As it answered last; nothing: it was not asked. */
  figures: unknown
}

interface Asked {
  readonly question: Question
  readonly waiting: Set<Worker>
  readonly answers: unknown[]
  settle(): void
}

/** A worker that ended sooner than this is started again only after a rest, which doubles. */
const briefMs = 5_000
const minRestMs = 200
const maxRestMs = 30_000
/** How long is waited for what a worker answers; one that does not is left out. */
const answerMs = 2_000

/**
 * Keeps a number of workers running: whoever ends unasked is replaced, and the others do not notice.
 */
export class WorkerPool {
  readonly #options: PoolOptions
  readonly #workers = new Map<number, Worker>()
  readonly #questions = new Map<number, Asked>()
  readonly #resting = new Set<NodeJS.Timeout>()
  readonly #restMs = new Map<number, number>()
  #nextQuestion = 1
  #isEnding = false
  #letGo = 0
  #destroyed = 0
  #onEmpty: (() => void) | undefined

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /** Subscriptions of all, as far as they have told. */
  get subscriptions(): number {
    let sum = 0
    for (const { subscriptions } of this.#workers.values()) sum += subscriptions
    return sum
  }

  /** Starts one, and when it listens the others. Rejects with `cannot-listen` if one ends before it does. */
  async start(): Promise<Listening> {
    const listening = await this.#startFirst(1)
    const others = Array.from({ length: this.#options.count - 1 }, (_, i) => this.#startFirst(i + 2))
    await Promise.all(others)
    return listening
  }

  /** To all that run; those that start later are begun with what holds then. */
  tell(order: Order): void {
    for (const { process } of this.#workers.values()) process.send(order)
  }

  /**
   * Asks all that listen but `except`. Those that do not answer within two seconds, or end, are left out; of figures, those
   * that it answered last stand for it.
   */
  ask(question: Question, except?: Worker): Promise<readonly unknown[]> {
    const id = this.#nextQuestion++
    return new Promise(resolve => {
      const waiting = new Set([...this.#workers.values()].filter(worker => worker.isListening && worker !== except))
      const timer = setTimeout(() => asked.settle(), answerMs)
      const asked: Asked = {
        question,
        waiting,
        answers: [],
        settle: () => {
          clearTimeout(timer)
          this.#questions.delete(id)
          const late = question.kind === 'figures' ? [...waiting].map(({ figures }) => figures) : []
          resolve([...asked.answers, ...late.filter(figures => figures !== undefined)])
        },
      }
      this.#questions.set(id, asked)
      if (waiting.size === 0) asked.settle()
      for (const { process } of waiting) process.send({ kind: 'question', id, question })
    })
  }

  /** Lets all readers go; what is left at the deadline is killed. Resolves when no worker is left. */
  async drain(deadlineMs: number): Promise<Drained> {
    this.#isEnding = true
    for (const timer of this.#resting) clearTimeout(timer)
    const empty = new Promise<void>(resolve => {
      this.#onEmpty = resolve
    })
    if (this.#workers.size === 0) return { letGo: this.#letGo, destroyed: this.#destroyed }
    this.tell({ kind: 'drain' })
    const deadline = setTimeout(() => this.kill(), deadlineMs)
    await empty
    clearTimeout(deadline)
    return { letGo: this.#letGo, destroyed: this.#destroyed }
  }

  /** Ends all at once. */
  kill(): void {
    this.#isEnding = true
    for (const { process } of this.#workers.values()) process.kill()
  }

  #startFirst(index: number): Promise<Listening> {
    return new Promise((resolve, reject) => {
      this.#start(index, resolve, how => {
        const message = `Worker ${index} ended before it listened (${how}); what it said is above.`
        reject(new TidingsError('cannot-listen', message))
      })
    })
  }

  #start(index: number, listens: (listening: Listening) => void, failed?: (how: string) => void): void {
    const process = this.#options.start()
    const startedAt = performance.now()
    const worker: Worker = { index, process, startedAt, isListening: false, subscriptions: 0, figures: undefined }
    this.#workers.set(index, worker)
    process.onWord(word => {
      if (word.kind === 'ready') {
        // It has heard nothing of the end, and has no readers yet.
        if (this.#isEnding) process.kill()
        else process.send(this.#options.begin(index))
      } else if (word.kind === 'listening') {
        worker.isListening = true
        listens(word.listening)
      } else this.#hear(worker, word)
    })
    process.onEnd(how => {
      this.#workers.delete(index)
      if (worker.figures !== undefined) this.#options.departed.add(worker.figures)
      for (const asked of this.#questions.values()) this.#answered(asked, worker)
      if (this.#workers.size === 0) this.#onEmpty?.()
      if (this.#isEnding) return
      if (failed && !worker.isListening) {
        failed(how)
        return
      }
      this.#options.lost({ worker: index, pid: process.pid, how })
      this.#replace(worker)
    })
  }

  #replace({ index, startedAt }: Worker): void {
    const isBrief = performance.now() - startedAt < briefMs
    const restMs = isBrief ? (this.#restMs.get(index) ?? 0) : 0
    this.#restMs.set(index, isBrief ? Math.min(maxRestMs, Math.max(minRestMs, restMs * 2)) : 0)
    const timer = setTimeout(() => {
      this.#resting.delete(timer)
      this.#start(index, () => {
        const process = this.#workers.get(index)?.process
        if (process) this.#options.replaced({ worker: index, pid: process.pid })
      })
    }, restMs)
    this.#resting.add(timer)
  }

  #hear(worker: Worker, word: Exclude<Word, { kind: 'ready' | 'listening' }>): void {
    switch (word.kind) {
      case 'left':
        worker.subscriptions = word.subscriptions
        return
      case 'drained':
        this.#letGo += word.letGo
        this.#destroyed += word.destroyed
        return
      case 'question': {
        void this.#askFor(worker, word.question).then(answers =>
          worker.process.send({ kind: 'answer', id: word.id, answers }),
        )
        return
      }
      case 'answer': {
        const asked = this.#questions.get(word.id)
        if (asked?.question.kind === 'figures') worker.figures = word.answer
        asked?.answers.push(word.answer)
        if (asked) this.#answered(asked, worker)
      }
    }
  }

  async #askFor(worker: Worker, question: Question): Promise<readonly unknown[]> {
    if (question.kind === 'subscribers') return this.ask(question, worker)
    const answers = await this.ask(question)
    return [...answers, await this.#options.departed.figures()]
  }

  #answered(asked: Asked, worker: Worker): void {
    asked.waiting.delete(worker)
    if (asked.waiting.size === 0) asked.settle()
  }
}
