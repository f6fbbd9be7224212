import { TidingsError } from '../../wire/errors.js'
import type { Command } from '../command.js'
import { exitCodes } from '../exit-codes.js'
import { describeFlags } from '../flags.js'
import { readSettings, type SettingsRead } from '../settings/read.js'
import { paint } from '../terminal.js'
import type { Finding } from './finding.js'
import { type CheckCall, checkOptions, readCheckCall } from './options.js'

const help = `Usage: tidings check [options] [DIR]

Checks settings, examines a log, also while hubs use it, and copies it. Only --backup and --restore write anything.

  tidings check                        the settings of the environment, and the log that they name (.tidings)
  tidings check --config hub.json      the settings in a file
  tidings check /var/lib/tidings       a log: its size, its events, what retention does, whether its indexes agree
  tidings check --backup /backup/monday /var/lib/tidings
  tidings check --restore /backup/monday /var/lib/tidings

${describeFlags(checkOptions)}
Exit codes: ${exitCodes.done} all is well, ${exitCodes.failure} something is wrong, ${exitCodes.usage} called wrongly.
`

/** `tidings check`. */
export const checkCommand: Command = {
  help: () => help,
  async run(args) {
    const call = readCheckCall(args)
    if (call === 'help') {
      process.stdout.write(help)
      return exitCodes.done
    }
    const finding = await find(call)
    process.stdout.write(call.json ? `${JSON.stringify({ ok: finding.isFine, ...finding.json })}\n` : finding.text)
    return finding.isFine ? exitCodes.done : exitCodes.failure
  },
}

async function find(call: CheckCall): Promise<Finding> {
  let read: SettingsRead
  try {
    read = await readSettings({ env: process.env, ...(call.config !== undefined && { file: call.config }) })
  } catch (error) {
    return toFinding(error)
  }
  const settings = settingsFinding(read)
  const { log } = read.settings
  const directory = call.directory ?? (log.kind === 'lmdb' ? log.directory : undefined)
  if (call.task === 'settings') return settings
  if (directory === undefined) {
    return { ...settings, text: `${settings.text}The log is in the memory of the hub: there is nothing to examine.\n` }
  }
  try {
    if (call.task === 'backup') return await (await import('./copies.js')).backUp(directory, call.backup ?? '')
    if (call.task === 'restore') {
      return await (await import('./copies.js')).restore(call.restore ?? '', directory, call.replace)
    }
    return join(settings, await examineBy(read, call, directory), call)
  } catch (error) {
    // The directories do not go together: that is a wrong call.
    if (error instanceof TidingsError && error.code === 'invalid-setting') throw error
    return call.task === 'examine' ? join(settings, toFinding(error), call) : toFinding(error)
  }
}

async function examineBy(read: SettingsRead, call: CheckCall, directory: string): Promise<Finding> {
  const { retention, mapBytes } = read.settings
  // A log that is named is not said to be that of these settings, unless they say something of what is kept.
  const isTheirs = call.directory === undefined || call.config !== undefined || read.given.retention !== undefined
  const { examine } = await import('./examine.js')
  return await examine({
    directory,
    isComplete: !call.quick,
    mapBytes,
    retention: isTheirs ? retention : undefined,
  })
}

/** Settings and log, as far as both were asked for. */
function join(settings: Finding, log: Finding, { directory, config }: CheckCall): Finding {
  return {
    isFine: log.isFine,
    json: { ...settings.json, ...log.json },
    text: directory === undefined || config !== undefined ? `${settings.text}\n${log.text}` : log.text,
  }
}

/** What is wrong was asked for: it is an answer, not a failure to give one. */
function toFinding(error: unknown): Finding {
  if (!(error instanceof TidingsError)) throw error
  const { code, message } = error
  return {
    isFine: false,
    json: { error: { code, message } },
    text: `${paint(process.stdout, 'red', 'Wrong:')} ${message}\n`,
  }
}

/** That settings are well, and what they are. */
function settingsFinding({ file, given }: SettingsRead): Finding {
  const names = Object.keys(given)
  const where = file ?? 'the environment'
  const what = names.length === 0 ? 'all is by default' : `given are ${names.join(', ')}`
  return {
    isFine: true,
    json: { settings: { file: file ?? null, given: names } },
    text: `The settings of ${where} are well: ${what}.\n`,
  }
}
