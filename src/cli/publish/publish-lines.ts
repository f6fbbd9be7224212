import { TidingsError } from '../../wire/errors.js'
import { exitCodes } from '../exit-codes.js'
import { CommandEnd } from '../hub-client/command-end.js'
import { createDelivery, showLines } from './delivery.js'
import { type InputLine, InputLineCutter } from './line-cutter.js'
import { type LineEvent, maxLineBytes, type ToLineEvent, withEnd } from './line-event.js'
import { createOutbox } from './outbox.js'
import { type Sender, Unanswered } from './sender.js'

/** A batch: so many lines or bytes, or all that came within so long after its first. */
const maxBatchLines = 500
const maxBatchBytes = 1024 * 1024
const maxBatchWaitMs = 100

export interface LinesOptions {
  readonly input: AsyncIterable<Uint8Array> & { destroy(): unknown }
  readonly sender: Sender
  readonly toEvent: ToLineEvent
  /** The one topic of all lines, if they have one: if that has ended, no other line can follow. */
  readonly onlyTopic: string | undefined
  /** Whether the last line ends the topic; each line then waits for the next one. */
  readonly endsTopic: boolean
  /** Given when no more is to be read. What was read is sent then. */
  readonly asked: AbortSignal
  readonly tell: (message: string) => void
  readonly onPublished: (count: number) => void
}

/** What became of the lines. */
export interface LinesTally {
  readonly published: number
  readonly refused: number
}

/**
 * Publishes the lines of an input in their order, each once, and tells of each line that is refused. Reads no faster than the
 * hub takes: beside one chunk and one unfinished line of the input, two batches are held.
 *
 * Rejects with `CommandEnd`, which says what was not published, if the hub is away for too long or takes nothing.
 */
export async function publishLines(options: LinesOptions): Promise<LinesTally> {
  const { input, sender, toEvent, onlyTopic, endsTopic, asked, tell, onPublished } = options
  const cutter = new InputLineCutter(maxLineBytes)
  let published = 0
  let refused = 0
  let hasReadAll = false
  let held: LineEvent | undefined

  const onRefused = (line: number, code: string, detail: string): void => {
    refused++
    tell(`Line ${line} was refused: ${detail} (${code})`)
  }
  const delivery = createDelivery({
    sender,
    onlyTopic,
    maxLines: maxBatchLines,
    onRefused,
    onPublished(count) {
      published += count
      onPublished(count)
    },
  })
  const outbox = createOutbox<LineEvent>({
    maxItems: maxBatchLines,
    maxBytes: maxBatchBytes,
    maxWaitMs: maxBatchWaitMs,
    send: batch => delivery.deliver(batch),
  })

  const take = async (line: InputLine): Promise<void> => {
    const event = toEventOrTell(line)
    if (!event) return
    const next = endsTopic ? held : event
    held = endsTopic ? event : undefined
    if (next) await outbox.add(next, next.bytes)
  }

  const toEventOrTell = (line: InputLine): LineEvent | undefined => {
    try {
      return toEvent(line)
    } catch (error) {
      if (!(error instanceof TidingsError)) throw error
      onRefused(line.number, error.code, error.message.replace(/^Line \d+: /, ''))
      return undefined
    }
  }

  const read = async (): Promise<void> => {
    try {
      for await (const chunk of input) for (const line of cutter.cut(chunk)) await take(line)
    } catch (error) {
      // Said of an input that was destroyed, which is how its reading is ended.
      if (asked.aborted && isPrematureClose(error)) return
      throw error
    }
    if (asked.aborted) return
    const rest = cutter.rest()
    if (rest) await take(rest)
    hasReadAll = true
  }

  /** What became of the lines of which nothing was said. */
  const fate = (): string => {
    const { settled, unknown } = delivery
    const known = Math.max(settled, unknown)
    const behind = hasReadAll ? '' : ', and whatever follows in the input'
    return [
      `${published} published.`,
      ...(unknown > settled ? [`Unknown whether published: ${showLines(settled + 1, unknown)}.`] : []),
      ...(cutter.count > known ? [`Not published: ${showLines(known + 1, cutter.count)}${behind}.`] : []),
    ].join(' ')
  }

  const stop = (): void => void input.destroy()
  asked.addEventListener('abort', stop)
  if (asked.aborted) stop()
  try {
    await Promise.race([read(), outbox.failed])
    const last = hasReadAll && held ? withEnd(held) : held
    if (last) await outbox.add(last, last.bytes)
    else if (endsTopic && hasReadAll) tell('There was no line to end the topic with.')
    await outbox.finish()
  } catch (error) {
    if (error instanceof CommandEnd) throw new CommandEnd(error.exitCode, `${error.message} ${fate()}`)
    if (error instanceof Unanswered) throw new CommandEnd(exitCodes.unreachable, `${error.message} ${fate()}`)
    throw error
  } finally {
    asked.removeEventListener('abort', stop)
    input.destroy()
  }
  if (!hasReadAll) {
    const unfinished = cutter.isUnfinished ? ' The line behind it had not ended, and was left out.' : ''
    tell(`Ended behind line ${cutter.count} of the input.${unfinished}`)
  }
  return { published, refused }
}

function isPrematureClose(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE'
}
