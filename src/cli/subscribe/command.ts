import { hubTypes } from '../../wire/names.js'
import type { ParsedEvent } from '../../wire/parse.js'
import type { Command } from '../command.js'
import { exitCodes } from '../exit-codes.js'
import { describeFlags } from '../flags.js'
import { CommandEnd, foreignEnd } from '../hub-client/command-end.js'
import { hubUrlOf, showUrl } from '../hub-client/hub-url.js'
import { createStopping } from '../hub-client/stopping.js'
import { report } from '../report.js'
import { isTerminal, paint } from '../terminal.js'
import { type CursorFile, openCursorFile } from './cursor-file.js'
import { type Following, follow } from './follow.js'
import { createLineOutput } from './line-output.js'
import { readSubscribeOptions, type SubscribeOptions, subscribeFlags } from './options.js'
import { type EventObject, hubEventLine, showEvent, showHubEvent, toJsonLine, toObject } from './show-event.js'
import { standardOutput } from './standard-output.js'

/** How long what was heard may take to be read by whoever reads along, when the command ends. */
const stopMs = 5_000

const help = `Usage: tidings subscribe SELECTOR... [options]

Prints the events of topics as they come. A SELECTOR is a topic, or a glob, in quotes: '*' is one segment, '**' in last place
any number of them.

${describeFlags(subscribeFlags)}
Examples:
  tidings subscribe news
  tidings subscribe 'logs/**' --since 10m
  tidings subscribe 'stocks/*' --latest --conflate 1s
  tidings subscribe orders --json --cursor-file orders.cursor | ./handle-orders
  tidings subscribe news --since earliest --count 3

A line is TIME TOPIC [TYPE key=KEY] DATA; further lines of the data follow behind a bar, and control characters are shown as
escapes. What the hub says of itself goes to standard error, with --json as a line whose type begins with "$".

Where the connection is cut or the hub away, it comes back by itself, from where it was: nothing is missed and nothing there twice.
If something is no longer kept, that is said ($gap). It ends with the topic, if it is of one topic that ends.

--cursor-file is written after the events have been given to standard output. So the next run goes on behind them; after a
kill -9, a crash or a reader that stood still it may print a few again, and misses none. Where the file has a cursor, --since and
--latest do not count. Of the picture of --latest no cursor is known before it is complete: cut off within, it is printed anew.

Exit codes: ${exitCodes.done} ended as asked, ${exitCodes.failure} failed, ${exitCodes.usage} called wrongly, ${exitCodes.refused} refused by the hub, ${exitCodes.unreachable} the hub was away for longer than --give-up-after.
`

/** `tidings subscribe`. */
export const subscribeCommand: Command = {
  help: () => help,
  async run(args) {
    const options = readSubscribeOptions(args)
    if (options !== 'help') return subscribe(options)
    process.stdout.write(help)
    return exitCodes.done
  },
}

async function subscribe(options: SubscribeOptions): Promise<number> {
  const url = hubUrlOf(options.url)
  const tell = (message: string): void => report(paint(process.stderr, 'dim', message))
  const file = options.cursorFile === undefined ? undefined : await openCursorFile(options.cursorFile, tell)
  const stopping = createStopping(stopMs)
  if (isTerminal(process.stderr)) tell(`Listening to ${options.selectors.join(' ')} at ${showUrl(url)}; Ctrl+C ends.`)
  try {
    return await print(options, url, file, stopping.asked, tell)
  } catch (error) {
    if (!(error instanceof CommandEnd)) throw error
    report(error.message)
    return error.exitCode
  } finally {
    stopping.dispose()
  }
}

async function print(
  options: SubscribeOptions,
  url: URL,
  file: CursorFile | undefined,
  signal: AbortSignal,
  tell: (message: string) => void,
): Promise<number> {
  const lines = createLines(options, url)
  let isGone = false
  let following: Following | undefined
  const output = createLineOutput({
    stream: standardOutput(),
    onFull: () => following?.pause(),
    onDrained: () => following?.resume(),
    onGone: () => {
      isGone = true
      following?.stop()
    },
    onHanded: cursor => file?.save(cursor),
  })
  following = follow({
    url,
    target: toTarget(options),
    cursor: file?.cursor ?? '',
    silenceMs: options.deadAfter,
    giveUpAfterMs: options.giveUpAfter,
    signal,
    onEvent: lines.take,
    onBatch: cursor => output.write(lines.text(), cursor),
    tell,
  })
  const failure = await following.over.catch(toFailure)
  const isFlushed = await output.flushed(stopMs)
  const isKept = await (file?.settled() ?? true)
  if (failure) throw failure.error
  if (!isKept) throw new CommandEnd(exitCodes.failure, `${options.cursorFile} has not the newest cursor.`)
  // A reader that takes nothing would keep the process, which has no more to say.
  if (!isFlushed && !isGone) process.exit(exitCodes.failure)
  return exitCodes.done
}

function toFailure(error: unknown): { readonly error: unknown } {
  return { error }
}

interface Lines {
  /** Takes an event; returns whether it was the last that is wanted. */
  take(event: ParsedEvent): boolean
  /** What is to be printed for all that was taken since the last time. */
  text(): string
}

function createLines({ json, count }: SubscribeOptions, url: URL): Lines {
  const dim = (text: string): string => paint(process.stdout, 'dim', text)
  let parts: string[] = []
  let events = 0
  return {
    take(event) {
      if (event.type.startsWith('$')) {
        const said = showHubEvent(event)
        if (said !== undefined) {
          if (json) parts.push(hubEventLine(event))
          else report(paint(process.stderr, 'yellow', said))
        }
        return event.type === hubTypes.end
      }
      parts.push(json ? toJsonLine(event.data) : showEvent(toEventObject(event.data, url), dim))
      return ++events >= count
    },
    text() {
      const text = parts.join('')
      parts = []
      return text
    },
  }
}

function toTarget({ selectors, since, conflate }: SubscribeOptions): string {
  const query = new URLSearchParams(selectors.map((selector): [string, string] => ['topic', selector]))
  // The data are then event objects, which have the time.
  query.set('envelope', '1')
  if (since !== undefined) query.set('since', since)
  if (conflate !== undefined) query.set('conflate', String(conflate))
  return `/events?${query}`
}

function toEventObject(json: string, url: URL): EventObject {
  try {
    const { topic, time, data, type, key } = toObject(json)
    if (typeof topic === 'string' && typeof time === 'number' && typeof data === 'string') {
      return { topic, time, data, ...(typeof type === 'string' && { type }), ...(typeof key === 'string' && { key }) }
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw foreignEnd(`What ${showUrl(url)} sends are no event objects; it is not a hub of Tidings.`)
}
