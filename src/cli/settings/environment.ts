import { Gathering, type Given, settingFault } from './given.js'
import { nearestName, variableOf } from './names.js'
import { settingPaths, table } from './table.js'

/** Variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Names the file; no setting itself, since a file does not say which file is read. */
export const configVariable = 'TIDINGS_CONFIG'

/** Variables of the same family that are for others: the commands that talk to a hub, and the project's own tests. */
const otherVariables: ReadonlySet<string> = new Set([
  'TIDINGS_URL',
  'TIDINGS_SEED',
  'TIDINGS_STEPS',
  'TIDINGS_FUZZ_MS',
  'TIDINGS_TUNING',
])

/**
 * Kubernetes gives every container the addresses of the services beside it. For a service that is called `tidings` these are
 * TIDINGS_SERVICE_HOST, TIDINGS_PORT=tcp://10.0.0.1:80 and TIDINGS_PORT_80_TCP_ADDR, which nobody has written.
 */
function isOfService(name: string, value: string): boolean {
  if (/^TIDINGS(_.*)?_SERVICE_(HOST|PORT)(_.*)?$/.test(name)) return true
  if (/^TIDINGS(_.*)?_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name)) return true
  return /^TIDINGS(_.*)?_PORT$/.test(name) && /^(tcp|udp|sctp):\/\//.test(value)
}

/**
 * What the variables say. One that is empty says nothing. Throws `invalid-setting` for a value that is none, and for a
 * `TIDINGS_` variable that there is not: a typo in it would otherwise be a setting that does not hold.
 */
export function readEnvironment(environment: Environment): Given {
  const paths = new Map(settingPaths.map(path => [variableOf(path), path]))
  const given = new Gathering()
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('TIDINGS_') || !value || isOfService(name, value)) continue
    const path = paths.get(name)
    if (path !== undefined) {
      const texts = table[path].kind.isList ? value.split(',').map(text => text.trim()) : [value]
      given.addTexts(path, texts, { kind: 'variable', name })
    } else if (name !== configVariable && !otherVariables.has(name)) {
      throw unknown(name, [...paths.keys(), configVariable])
    }
  }
  return given
}

function unknown(name: string, known: readonly string[]) {
  const within = (variable: string) => variable.slice('TIDINGS_'.length)
  const meant = nearestName(within(name), known.map(within), '_')
  return settingFault(
    name,
    `there is no such setting. ${meant ? `Did you mean TIDINGS_${meant}?` : 'See tidings serve --help; names that begin with TIDINGS_ are for settings.'}`,
  )
}
