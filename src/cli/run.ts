import { readFileSync } from 'node:fs'
import { nearest } from '../http/nearest.js'
import { TidingsError } from '../wire/errors.js'
import { describeServeOptions, readServeOptions } from './options.js'
import { exitCodeOf, exitCodes, report } from './report.js'
import { serve } from './serve.js'

const commands = ['serve']

const help = `Usage: tidings serve [options]

Runs the hub: publishes events to whoever listens, and keeps them in a log, so that nobody misses any.

${describeServeOptions()}
Exit codes: ${exitCodes.done} ended as asked, ${exitCodes.failure} failed, ${exitCodes.usage} called wrongly.
`

/**
 * Runs a command line (without the program's own name) to its end, and leaves its exit code to the process.
 * A rejection or an exception that nobody handles is reported, and ends the process with 1: its state is unknown then.
 */
export async function run(args: readonly string[]): Promise<void> {
  process.on('uncaughtException', error => {
    report('tidings:', error)
    process.exit(exitCodes.failure)
  })
  // Whoever read along may have gone, as `| head` does; for a hub with readers of its own that is no reason to end.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', passBrokenPipe)
  try {
    await dispatch(args)
  } catch (error) {
    report('tidings:', error)
    process.exitCode = exitCodeOf(error)
  }
}

function passBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

async function dispatch([command, ...rest]: readonly string[]): Promise<void> {
  if (command === '--version') {
    sayVersion()
    return
  }
  if (command === undefined || command === '--help' || command === '-h') {
    const stream = command === undefined ? process.stderr : process.stdout
    stream.write(help)
    if (command === undefined) process.exitCode = exitCodes.usage
    return
  }
  if (command !== 'serve') {
    if (command.startsWith('-')) {
      throw new TidingsError('invalid-setting', `Options follow their command: tidings serve ${command}.`)
    }
    const meant = nearest(command, commands)
    const hint = meant ? `Did you mean tidings ${meant}?` : 'There is tidings serve; see tidings --help.'
    throw new TidingsError('invalid-setting', `There is no command "${command}". ${hint}`)
  }
  const options = readServeOptions(rest)
  if (options === 'help') process.stdout.write(help)
  else if (options === 'version') sayVersion()
  else await serve(options)
}

function sayVersion(): void {
  process.stdout.write(`${version()}\n`)
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const about: unknown = JSON.parse(text)
  if (typeof about !== 'object' || about === null || !('version' in about))
    throw new Error('package.json has no version')
  return String(about.version)
}
