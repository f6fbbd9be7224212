import { exitCodes } from '../exit-codes.js'
import { CommandEnd, refusedEnd } from '../hub-client/command-end.js'
import type { Refusal } from '../hub-client/verdict.js'
import type { LineEvent } from './line-event.js'
import { type Sender, Unanswered } from './sender.js'

export interface DeliveryOptions {
  readonly sender: Sender
  /** The one topic of all lines, if they have one: if that has ended, no other line can follow. */
  readonly onlyTopic: string | undefined
  readonly maxLines: number
  readonly onRefused: (line: number, code: string, detail: string) => void
  readonly onPublished: (count: number) => void
}

/** Brings batches of lines to the hub, whatever it refuses of them. */
export interface Delivery {
  /**
   * Publishes the lines but those that are refused, in their order. Rejects with `Unanswered`, or with `CommandEnd` if the hub
   * will take nothing.
   */
  deliver(batch: readonly LineEvent[]): Promise<void>
  /** The number of the last line of which it is known what became of it. */
  readonly settled: number
  /** That of the last line, if it is behind, of which it will not be known. */
  readonly unknown: number
}

export function createDelivery(options: DeliveryOptions): Delivery {
  const { sender, onlyTopic, maxLines, onRefused, onPublished } = options
  let settled = 0
  let unknown = 0
  /** Lines a request. What follows a refused line has to be sent again, so there are fewer after a refusal. */
  let most = maxLines

  const send = async (part: readonly LineEvent[]) => {
    const body = Buffer.from(part.map(line => `${line.json}\n`).join(''))
    const last = part.at(-1)?.number ?? 0
    try {
      return await sender.send('application/x-ndjson', body, showLines(part[0]?.number ?? 0, last))
    } catch (error) {
      if (error instanceof Unanswered && error.isUnknown) unknown = last
      throw error
    }
  }

  const settle = (lines: readonly LineEvent[], published: number): void => {
    settled = lines.at(-1)?.number ?? settled
    if (published > 0) onPublished(published)
  }

  const refuse = ({ number }: LineEvent, { code, detail }: Refusal): void => {
    if (code === 'topic-ended' && onlyTopic !== undefined) {
      throw new CommandEnd(exitCodes.refused, `The topic ${onlyTopic} has ended; nothing more can be published to it.`)
    }
    onRefused(number, code, withoutPlace(detail))
    settled = number
  }

  return {
    get settled() {
      return settled
    },
    get unknown() {
      return unknown
    },
    async deliver(batch) {
      let rest = batch
      while (rest.length > 0) {
        const part = rest.slice(0, most)
        const answer = await send(part)
        if (answer.kind === 'partly' && answer.isRestUnknown) unknown = part.at(-1)?.number ?? unknown
        const count = answer.kind === 'done' ? part.length : answer.kind === 'partly' ? answer.accepted : good(answer)
        settle(part.slice(0, count), count)
        rest = rest.slice(count)
        if (answer.kind === 'refused') {
          const [line, ...others] = rest
          if (!line) throw new Error('The hub refused a line that it was not sent.')
          refuse(line, answer.refusal)
          rest = others
        }
        most = Math.min(maxLines, Math.max(1, (answer.kind === 'done' ? most : count) * 2))
      }
    },
  }
}

/** How many lines stand before the one that is refused. Throws if all of the request is. */
function good({ refusal }: { readonly refusal: Refusal }): number {
  if (refusal.line === undefined || refusal.line < 1) throw refusedEnd(refusal)
  return refusal.line - 1
}

/** The hub counts the lines of a request, which are not those of the input. */
function withoutPlace(detail: string): string {
  return detail.replace(/^Line \d+: /, '').replace(/ \d+ before it (?:is|are) in the log\.$/, '')
}

export function showLines(first: number, last: number): string {
  return first === last ? `line ${first}` : `lines ${first} to ${last}`
}
