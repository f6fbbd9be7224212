import { readCommandLine } from './command-line.js'
import { readConfigFile, readText } from './config-file.js'
import { configVariable, type Environment, readEnvironment } from './environment.js'
import { type Given, type Origin, settingFault } from './given.js'
import { secretShown } from './kinds.js'
import { resolve } from './resolve.js'
import type { SettingPath, Settings, Values } from './settings.js'
import { settingPaths, table } from './table.js'

/** Where settings are looked for. */
export interface SettingsSources {
  /** What follows `tidings serve`. Default: nothing. */
  readonly args?: readonly string[]
  /** Default: nothing. */
  readonly env?: Environment
  /** The file, instead of the one that `--config` or `TIDINGS_CONFIG` names. */
  readonly file?: string
}

/** Settings as they were found. */
export interface SettingsRead {
  readonly settings: Settings
  /** The same by path. */
  readonly values: Values
  /** What was given, without defaults. */
  readonly given: Partial<Values>
  /** Where each came from. */
  readonly origins: ReadonlyMap<SettingPath, Origin>
  /** The file that was read. */
  readonly file: string | undefined
}

/**
 * Reads all settings: a flag goes before a variable, that before the file, that before the default. All that is given is
 * checked, also what another goes before. A file alone: `readSettings({ file })`.
 *
 * Rejects with `invalid-setting`, which says where it is wrong (flag, variable, or file and path), what is, and what was
 * probably meant. No secret is in it.
 */
export async function readSettings({ args = [], env = {}, file }: SettingsSources): Promise<SettingsRead> {
  const line = readCommandLine(args)
  const fromLine = line === 'help' ? undefined : line
  const path = file ?? fromLine?.config ?? (env[configVariable] || undefined)
  const places: Given[] = []
  if (path !== undefined) places.push(await readConfigFile(path))
  places.push(readEnvironment(env))
  if (fromLine) places.push(fromLine.given)
  return settle(places, path)
}

/** The last of the places has the last word. */
async function settle(places: readonly Given[], file: string | undefined): Promise<SettingsRead> {
  const given: Partial<Values> = Object.assign({}, ...places.map(({ values }) => values))
  const origins = new Map<SettingPath, Origin>(settingPaths.map(path => [path, { kind: 'default' }]))
  for (const place of places) for (const [path, origin] of place.origins) origins.set(path, origin)
  const complete = await withSecrets(given, origins)
  return { ...resolve(complete), given: complete, origins, file }
}

const weights = { default: 0, file: 1, variable: 2, flag: 3 } as const

/**
 * Reads the secret from its file, if that goes before the secret itself, and forgets the one of the two that does not hold.
 * Rejects with `invalid-setting` if one place has both, or if the place of a secret was printed and the secret not put back.
 */
async function withSecrets(given: Partial<Values>, origins: Map<SettingPath, Origin>): Promise<Partial<Values>> {
  const { metricsToken, metricsTokenFile, ...rest } = given
  const own = origins.get('metricsToken') ?? { kind: 'default' }
  const byFile = origins.get('metricsTokenFile') ?? { kind: 'default' }
  if (own.kind !== 'default' && own.kind === byFile.kind) {
    throw settingFault(own.name, 'metricsToken and metricsTokenFile are both given; leave out one of them.')
  }
  if (byFile.kind !== 'default' && metricsTokenFile !== undefined && weights[byFile.kind] > weights[own.kind]) {
    origins.set('metricsToken', byFile)
    const where = byFile.kind === 'file' ? `${byFile.name}: metricsTokenFile` : byFile.name
    const text = await readText(metricsTokenFile, where)
    const read = table.metricsToken.kind.fromTexts([text.trimEnd()], {
      fault: rule => settingFault(`${where}: ${metricsTokenFile}`, rule),
      write: value => value,
    })
    return { ...rest, metricsToken: read, metricsTokenFile }
  }
  if (byFile.kind !== 'default') origins.set('metricsTokenFile', { kind: 'default' })
  if (own.kind === 'default' || metricsToken === undefined) return rest
  if (metricsToken === secretShown) {
    throw settingFault(
      own.kind === 'file' ? `${own.name}: metricsToken` : own.name,
      `"${secretShown}" stands where a secret was left out. Write the secret, or name a file that has it (metricsTokenFile).`,
    )
  }
  return { ...rest, metricsToken }
}
