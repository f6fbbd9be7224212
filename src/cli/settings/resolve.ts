import { resolveHttpSettings, resolveLimits } from '../../http/settings.js'
import { TidingsError } from '../../wire/errors.js'
import type { SettingPath, Settings, Values } from './settings.js'
import { type Known, type Setting, settingPaths, table } from './table.js'
import { countWorkers } from './workers.js'

/**
 * All settings, from those that were given. Throws `invalid-setting` where they do not go together: an address that others
 * can reach, without `open`; a certificate without its key, or two.
 */
export function resolve(given: Partial<Values>): { readonly settings: Settings; readonly values: Values } {
  const limits = resolveLimits(limitsOf(given))
  const known: Known = {
    log: given.log ?? table.log.fallback({ log: { kind: 'memory' }, demo: false, limits }),
    demo: given.demo ?? false,
    limits,
  }
  const values = Object.fromEntries(
    settingPaths.map(path => {
      const { fallback }: Setting<unknown> = table[path]
      return [path, given[path] ?? fallback(known)]
    }),
  ) as Values
  const { host, port, open, allowedHosts, allowedOrigins, publicTopics, defaultTopics, compression } = values
  const http = resolveHttpSettings({
    ...{ host, port, open, allowedHosts, allowedOrigins, publicTopics, defaultTopics, compression },
    limits,
  })
  if (values.log.kind === 'memory' && countWorkers(values.workers) > 1) {
    throw new TidingsError(
      'invalid-setting',
      'workers: a log in memory is in one process, others would not have its events. ' +
        'Keep the log in a directory (--log lmdb:.tidings), or leave workers at 1.',
    )
  }
  if ((values.tlsCert === undefined) !== (values.tlsKey === undefined)) {
    const [given, missing] = values.tlsCert === undefined ? ['tlsKey', 'tlsCert'] : ['tlsCert', 'tlsKey']
    throw new TidingsError(
      'invalid-setting',
      `${missing}: needed beside ${given}; TLS takes a certificate and its key.`,
    )
  }
  if (values.tlsDev && values.tlsCert !== undefined) {
    throw new TidingsError(
      'invalid-setting',
      'tlsDev: makes a certificate of its own; leave it out beside tlsCert, or leave out tlsCert and tlsKey.',
    )
  }
  if (values.durability === 'async' && countWorkers(values.workers) > 1) {
    throw new TidingsError(
      'invalid-setting',
      'workers: a log that is kept with the durability "async" belongs to one process. ' +
        'Keep it with "commit" (--durability commit), or leave workers at 1.',
    )
  }
  const own = Object.fromEntries(Object.entries(values).filter(([path]) => !path.includes('.'))) as Omit<
    Values,
    `limits.${string}`
  >
  return { settings: Object.freeze({ ...own, ...http }), values }
}

function limitsOf(given: Partial<Values>): Record<string, number> {
  const prefix = 'limits.'
  return Object.fromEntries(
    Object.entries(given).flatMap(([path, value]) =>
      path.startsWith(prefix) && typeof value === 'number' ? [[path.slice(prefix.length), value]] : [],
    ),
  )
}

/** The value of a setting as a file would have it; secrets are not in it. Nothing: it is not set. */
export function toJson<Path extends SettingPath>(path: Path, value: Values[Path]): unknown {
  const { kind }: Setting<unknown> = table[path] as Setting<unknown>
  return value === undefined ? undefined : kind.toJson(value as Exclude<unknown, undefined>)
}
