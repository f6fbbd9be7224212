import { nearest } from '../http/nearest.js'
import { TidingsError } from '../wire/errors.js'
import type { Command } from './command.js'
import { commands } from './commands.js'
import { exitCodeOf, exitCodes } from './exit-codes.js'
import { report } from './report.js'
import { guardOutput } from './standard-output.js'
import { version } from './version.js'

/**
 * Runs a command line (without the program's own name) to its end, and leaves its exit code to the process.
 * A rejection or an exception that nobody handles is reported, and ends the process with 1: its state is unknown then.
 */
export async function run(args: readonly string[]): Promise<void> {
  process.on('uncaughtException', error => {
    report('tidings:', error)
    process.exit(exitCodes.failure)
  })
  guardOutput()
  try {
    process.exitCode = await dispatch(args)
  } catch (error) {
    report('tidings:', error)
    process.exitCode = exitCodeOf(error)
  }
}

async function dispatch([name, ...rest]: readonly string[]): Promise<number> {
  if (name === undefined) {
    process.stderr.write(help())
    return exitCodes.usage
  }
  if (name === '--version') {
    process.stdout.write(`${version()}\n`)
    return exitCodes.done
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    const [about] = rest
    process.stdout.write(about === undefined ? help() : (await load(about)).help())
    return exitCodes.done
  }
  return (await load(name)).run(rest)
}

async function load(name: string): Promise<Command> {
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (entry) return entry.load()
  if (name.startsWith('-')) {
    throw new TidingsError('invalid-setting', `Options follow their command: tidings serve ${name}.`)
  }
  const known = Object.keys(commands)
  const meant = nearest(name, known)
  const hint = meant ? `Did you mean tidings ${meant}?` : `The commands are ${known.join(', ')}; see tidings --help.`
  throw new TidingsError('invalid-setting', `There is no command "${name}". ${hint}`)
}

function help(): string {
  const width = Math.max(...Object.keys(commands).map(name => name.length))
  const lines = Object.entries(commands).map(([name, { summary }]) => `  tidings ${name.padEnd(width)}  ${summary}\n`)
  return `Usage: tidings COMMAND [options]

Pushes events from servers to browsers over plain HTTP, so that nobody misses any.

${lines.join('')}
tidings COMMAND --help says more, with examples; tidings --version which version this is.

Exit codes: ${exitCodes.done} done, ${exitCodes.failure} failed, ${exitCodes.usage} called wrongly, ${exitCodes.refused} the hub refused some, ${exitCodes.unreachable} the hub could not be reached.
`
}
