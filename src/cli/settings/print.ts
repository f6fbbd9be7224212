import type { Origin } from './given.js'
import type { SettingsRead } from './read.js'
import { toJson } from './resolve.js'
import { settingPaths } from './table.js'

/**
 * The settings that hold, complete, as the text of a file that says the same. What is not set, such as `defaultTopics`, is
 * left out; in the place of a secret stands `(secret)`, and where it came from a file, the name of that.
 */
export function printConfig({ values }: SettingsRead): string {
  const config: Record<string, unknown> = {}
  const limits: Record<string, unknown> = {}
  for (const path of settingPaths) {
    const value = toJson(path, values[path])
    if (value === undefined || (path === 'metricsToken' && values.metricsTokenFile !== undefined)) continue
    if (path.startsWith('limits.')) limits[path.slice('limits.'.length)] = value
    else config[path] = value
  }
  return `${JSON.stringify({ ...config, limits }, null, 2)}\n`
}

/** Where the settings came from that are not by default, a line each. */
export function printOrigins({ origins }: SettingsRead): string {
  const rows = settingPaths.flatMap(path => {
    const origin = origins.get(path) ?? { kind: 'default' }
    return origin.kind === 'default' ? [] : [[path, describe(origin)] as const]
  })
  const width = Math.max(0, ...rows.map(([path]) => path.length))
  const lines = rows.map(([path, origin]) => `  ${path.padEnd(width)}  ${origin}\n`)
  return lines.length === 0 ? 'All is by default.\n' : `Not by default:\n${lines.join('')}`
}

function describe(origin: Origin): string {
  switch (origin.kind) {
    case 'flag':
      return `flag ${origin.name}`
    case 'variable':
      return `variable ${origin.name}`
    case 'file':
      return `file ${origin.name}`
    default:
      return 'default'
  }
}
