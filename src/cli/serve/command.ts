import cluster from 'node:cluster'
import type { Command } from '../command.js'
import { exitCodes } from '../exit-codes.js'
import { readCommandLine } from '../settings/command-line.js'
import { describeSettings } from '../settings/describe.js'
import { printConfig, printOrigins } from '../settings/print.js'
import { readSettings } from '../settings/read.js'
import { serve } from './serve.js'
import { workerWord } from './workers/messages.js'

const help = (): string => `Usage: tidings serve [options]

Runs the hub: publishes events to whoever listens, and keeps them in a log, so that nobody misses any.

  tidings serve                                          on http://127.0.0.1:8080, with a log in .tidings
  tidings serve --port 9000 --log memory:                on another port, with nothing on disk
  tidings serve --allowed-origins https://app.example    a page of another origin may use it
  tidings serve --config tidings.json                    with the settings of a file
  tidings serve --workers auto                           with a process for each core

Each option is also a variable (--limits-max-streams is TIDINGS_LIMITS_MAX_STREAMS) and a member of the file
({"limits": {"maxStreams": 100}}). An option goes before a variable, that before the file. What is marked with * can be
changed in the file while the hub runs: SIGHUP reads it again.

${describeSettings()}
Exit codes: ${exitCodes.done} ended as asked, ${exitCodes.failure} failed, ${exitCodes.usage} called wrongly.
`

/** `tidings serve`. */
export const serveCommand: Command = {
  help,
  async run(args) {
    if (cluster.isWorker && args[0] === workerWord) return (await import('./workers/worker.js')).serveAsWorker()
    const line = readCommandLine(args)
    if (line === 'help') {
      process.stdout.write(help())
      return exitCodes.done
    }
    const sources = { args, env: { ...process.env } }
    const read = await readSettings(sources)
    if (line.printConfig) {
      process.stdout.write(printConfig(read))
      process.stderr.write(printOrigins(read))
    } else {
      const code = await serve(read, () => readSettings(sources))
      // The channel of a manager that has started this process would keep it.
      process.channel?.unref()
      return code
    }
    return exitCodes.done
  },
}
