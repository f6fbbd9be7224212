import { TidingsError } from '../../wire/errors.js'
import type { Where } from './kinds.js'
import { flagOf, variableOf } from './names.js'
import type { SettingPath, Values } from './settings.js'
import { table } from './table.js'

/** Where the value of a setting came from; `name` as it was written there, of a file its path. */
export type Origin =
  | { readonly kind: 'flag' | 'variable'; readonly name: string }
  | { readonly kind: 'file'; readonly name: string }
  | { readonly kind: 'default' }

/** What was given in one place, by path. */
export interface Given {
  readonly values: Partial<Values>
  readonly origins: ReadonlyMap<SettingPath, Origin>
}

/** Gathers what is given in one place. */
export class Gathering implements Given {
  readonly values: { -readonly [Path in SettingPath]?: Values[Path] } = {}
  readonly origins: Map<SettingPath, Origin> = new Map()

  /** Throws `invalid-setting` if one of the texts is none that the setting takes. */
  addTexts(path: SettingPath, texts: readonly string[], origin: Origin & { readonly kind: 'flag' | 'variable' }): void {
    this.#add(path, table[path].kind.fromTexts(texts, whereOf(path, origin)), origin)
  }

  /** Throws `invalid-setting` if the value is none that the setting takes. */
  addJson(path: SettingPath, value: unknown, file: string): void {
    const origin = { kind: 'file', name: file } as const
    this.#add(path, table[path].kind.fromJson(value, whereOf(path, origin)), origin)
  }

  #add(path: SettingPath, value: unknown, origin: Origin): void {
    // Of the kind that the table has for this path, which is more than the compiler can follow.
    Object.assign(this.values, { [path]: value })
    this.origins.set(path, origin)
  }
}

function whereOf(path: SettingPath, origin: Exclude<Origin, { readonly kind: 'default' }>): Where {
  const { kind, name } = origin
  return {
    fault: (rule, at = '') =>
      kind === 'file'
        ? settingFault(`${name}: ${path}${at}`, rule)
        : settingFault(name, at === '' ? rule : `${path}${at} ${rule}`),
    write: value =>
      kind === 'file'
        ? `"${path}": "${value}"`
        : kind === 'flag'
          ? `${flagOf(path)} ${value}`
          : `${variableOf(path)}=${value}`,
  }
}

/** A fault of a setting. `where`: flag, variable, or file and path. */
export function settingFault(where: string, rule: string): TidingsError {
  return new TidingsError('invalid-setting', `${where}: ${rule}`)
}
