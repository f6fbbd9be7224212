import type { Order, Question, Terms, Word } from './messages.js'

/** What a worker has of its primary. */
export interface PrimaryLink {
  /** The first order. */
  readonly begun: Promise<Order & { readonly kind: 'begin' }>
  say(word: Exclude<Word, { readonly kind: 'ready' | 'question' | 'answer' }>): void
  /** Asks all workers, this one included. Does not resolve if the primary has gone. */
  ask(question: Question): Promise<readonly unknown[]>
  /** From now on these are called; first for what was ordered before. */
  listen(listener: {
    drain(): void
    reconfigure(settings: Terms['settings'], certificate: Terms['certificate']): void
    answer(question: Question): Promise<unknown>
  }): void
}

/** The messages of this process and the one that started it. */
export interface Channel {
  send(word: Word): void
  onOrder(call: (order: Order) => void): void
}

/**
 * That of a process that `node:cluster` has started, and that ends at once when its primary has gone. So no worker outlives the owner
 * of its log, or writes on to a file whose place another has taken (`tidings check --restore --replace`).
 */
export function processChannel(): Channel {
  // Before `node:cluster` calls `process.exit`: within a transaction, lmdb-js (3.5.6) waits for ever then, and keeps the log from
  // whoever has it next. LMDB gives the lock of a process that was killed to the next.
  process.prependOnceListener('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  return {
    // A primary that has just gone takes no word.
    send: word => process.send?.(word, undefined, undefined, () => undefined),
    onOrder: call => void process.on('message', (order: Order) => call(order)),
  }
}

export function linkToPrimary(channel: Channel): PrimaryLink {
  const asked = new Map<number, (answers: readonly unknown[]) => void>()
  let nextId = 1
  let listener: Parameters<PrimaryLink['listen']>[0] | undefined
  const early: Exclude<Order, { kind: 'begin' }>[] = []
  const begun = new Promise<Order & { readonly kind: 'begin' }>(resolve => {
    channel.onOrder(order => {
      if (order.kind === 'begin') resolve(order)
      else hear(order)
    })
  })
  channel.send({ kind: 'ready' })

  function hear(order: Exclude<Order, { kind: 'begin' }>): void {
    if (!listener) {
      early.push(order)
      return
    }
    switch (order.kind) {
      case 'drain':
        listener.drain()
        return
      case 'reconfigure':
        listener.reconfigure(order.settings, order.certificate)
        return
      case 'question':
        // What cannot be answered is left out by the one that asks, after a time.
        listener.answer(order.question).then(
          answer => channel.send({ kind: 'answer', id: order.id, answer }),
          () => undefined,
        )
        return
      case 'answer':
        asked.get(order.id)?.(order.answers)
        asked.delete(order.id)
    }
  }

  return {
    begun,
    say: word => channel.send(word),
    ask(question) {
      const id = nextId++
      return new Promise(resolve => {
        asked.set(id, resolve)
        channel.send({ kind: 'question', id, question })
      })
    },
    listen(own) {
      listener = own
      for (const order of early.splice(0)) hear(order)
    },
  }
}
