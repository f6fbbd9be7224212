import type { Command } from '../command.js'
import { exitCodes } from '../exit-codes.js'
import { describeFlags } from '../flags.js'
import { readServeOptions, serveOptions } from './options.js'
import { serve } from './serve.js'

const help = `Usage: tidings serve [options]

Runs the hub: publishes events to whoever listens, and keeps them in a log, so that nobody misses any.

${describeFlags(serveOptions)}
Exit codes: ${exitCodes.done} ended as asked, ${exitCodes.failure} failed, ${exitCodes.usage} called wrongly.
`

/** `tidings serve`. */
export const serveCommand: Command = {
  help: () => help,
  async run(args) {
    const options = readServeOptions(args)
    if (options === 'help') process.stdout.write(help)
    else await serve(options)
    return exitCodes.done
  },
}
