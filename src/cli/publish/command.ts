import type { Command } from '../command.js'
import { exitCodes } from '../exit-codes.js'
import { describeFlags } from '../flags.js'
import { CommandEnd } from '../hub-client/command-end.js'
import { hubUrlOf } from '../hub-client/hub-url.js'
import { createStopping } from '../hub-client/stopping.js'
import { report } from '../report.js'
import { objectLines, textLines } from './line-event.js'
import { type PublishOptions, publishFlags, readPublishOptions } from './options.js'
import { createProgress } from './progress.js'
import { publishLines } from './publish-lines.js'
import { publishOne } from './publish-one.js'
import { createSender, type Sender } from './sender.js'

/** How long what was read may take to be sent when the command is asked to end: supervisors kill after ten seconds or more. */
const stopMs = 8_000

const help = `Usage: tidings publish TOPIC [DATA] [options]
       tidings publish [TOPIC] --json [options]

Publishes one event, DATA, and prints its id; or, without DATA, an event for each line of standard input, in their order.

${describeFlags(publishFlags)}
Examples:
  tidings publish news 'Hello'
  tail -F app.log | tidings publish logs/app
  tidings publish stocks/AAPL '{"price":187.2}' --type trade --key AAPL
  printf '%s\\n' '{"topic":"a","data":1}' '{"topic":"b","data":2}' | tidings publish --json

Lines end with LF or CRLF, the last one also with the input. Empty lines are left out. A line that the hub refuses, or that is
not UTF-8, is said with its number, and the others are published. Lines are sent in batches, at most 100 ms after they were read,
and no faster than the hub takes them.

A batch that is not answered is sent again, under the same Idempotency-Key, so that nothing is there twice. The hub knows such a
repeat for two minutes: therefore this gives up after 90 s, and says which lines are not published or may be. With a longer
--give-up-after it goes on, which after more than two minutes may publish the one batch twice that was under way; it says so.

On Ctrl+C and SIGTERM it reads no more, and has 8 s to send what it has read. A second time ends it at once.
Exit codes: ${exitCodes.done} all published, ${exitCodes.failure} failed, ${exitCodes.usage} called wrongly, ${exitCodes.refused} some or all refused, ${exitCodes.unreachable} not all published, as the hub was away.
`

/** `tidings publish`. */
export const publishCommand: Command = {
  help: () => help,
  async run(args) {
    const options = readPublishOptions(args)
    if (options !== 'help') return publish(options)
    process.stdout.write(help)
    return exitCodes.done
  },
}

async function publish(options: PublishOptions): Promise<number> {
  const url = hubUrlOf(options.url)
  const stopping = createStopping(stopMs)
  const progress = createProgress(options.data === undefined && !process.stdin.isTTY, () => sender.awaySince)
  const { tell } = progress
  const sender = createSender({ url, giveUpAfterMs: options.giveUpAfter, stopping, tell })
  try {
    return options.data === undefined
      ? await publishInput(options, sender, stopping.asked, progress)
      : await publishData(options, options.data, sender)
  } catch (error) {
    if (!(error instanceof CommandEnd)) throw error
    tell(error.message)
    return error.exitCode
  } finally {
    progress.end()
    sender.close()
    stopping.dispose()
  }
}

async function publishData(options: PublishOptions, data: string, sender: Sender): Promise<number> {
  const { topic = '', type, key, eventId, end } = options
  const id = await publishOne(sender, { topic, data, type, key, eventId, end })
  process.stdout.write(`${id}\n`)
  return exitCodes.done
}

async function publishInput(
  { topic, type, key, end, json }: PublishOptions,
  sender: Sender,
  asked: AbortSignal,
  progress: ReturnType<typeof createProgress>,
): Promise<number> {
  if (process.stdin.isTTY) report(`Publishing each line that you type; Ctrl+D ends.`)
  const tally = await publishLines({
    input: process.stdin,
    sender,
    toEvent: json || topic === undefined ? objectLines(topic) : textLines({ topic, type, key }),
    onlyTopic: json ? undefined : topic,
    endsTopic: end,
    asked,
    tell: progress.tell,
    onPublished: progress.published,
  })
  progress.summarize(tally)
  return tally.refused > 0 ? exitCodes.refused : exitCodes.done
}
