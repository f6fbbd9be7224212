import type { SettingsRead } from './read.js'
import { resolve, toJson } from './resolve.js'
import type { SettingPath, Settings, Values } from './settings.js'
import { type Setting, settingPaths, table } from './table.js'

/** A setting that is another one than before. */
export interface Change {
  readonly path: SettingPath
  /** As `--print-config` shows them: not of a secret. Nothing: not set. */
  readonly from: unknown
  readonly to: unknown
}

/** What follows for a hub that runs from settings that were read again. */
export interface Changes {
  /** What holds from now on: as was read, but for what cannot change. */
  readonly settings: Settings
  readonly values: Values
  readonly changed: readonly Change[]
  /** What was read, and cannot change while the hub runs. */
  readonly waiting: readonly Change[]
}

/** Throws `invalid-setting` if what was read does not go together with what stays as it is. */
export function changesOf(running: Values, read: Pick<SettingsRead, 'given' | 'values'>): Changes {
  const staying = settingPaths.filter(path => !isReloadable(path))
  // Defaults that go by others go by those that hold.
  const pinned: Partial<Values> = Object.fromEntries([
    ...Object.entries(read.given).filter(([path]) => !staying.some(each => each === path)),
    ...staying.flatMap(path => (running[path] === undefined ? [] : [[path, running[path]] as const])),
  ])
  const { settings, values } = resolve(pinned)
  return {
    settings,
    values,
    changed: settingPaths.filter(isReloadable).flatMap(path => changeOf(path, running, values)),
    waiting: staying.flatMap(path => changeOf(path, running, read.values)),
  }
}

function isReloadable(path: SettingPath): boolean {
  return table[path].isReloadable === true
}

function changeOf(path: SettingPath, before: Values, after: Values): readonly Change[] {
  const [from, to] = [before[path], after[path]]
  if (JSON.stringify(from) === JSON.stringify(to)) return []
  return [{ path, from: toJson(path, from), to: toJson(path, to) }]
}

/** The change in a sentence, `isWaiting` for a restart. Nothing of a secret but that it is another one. */
export function describeChange({ path, from, to }: Change, isWaiting: boolean): string {
  const { isSecret }: Setting<unknown> = table[path]
  if (isSecret) return `${path} is another one, which holds after a restart.`
  return isWaiting
    ? `${path} stays ${inWords(from)} until a restart; now it is said to be ${inWords(to)}.`
    : `${path} is ${inWords(to)} now; it was ${inWords(from)}.`
}

const maxShown = 300

function inWords(value: unknown): string {
  const text = value === undefined ? 'unset' : JSON.stringify(value)
  return text.length > maxShown ? `${text.slice(0, maxShown)}...` : text
}
