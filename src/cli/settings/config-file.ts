import { readFile } from 'node:fs/promises'
import { scanJson } from '../../http/json-scan.js'
import { TidingsError } from '../../wire/errors.js'
import { Gathering, type Given, settingFault } from './given.js'
import { show } from './kinds.js'
import { nearestName } from './names.js'
import type { SettingPath } from './settings.js'
import { settingPaths } from './table.js'

/** What a file of settings may have. */
const maxFileBytes = 1024 * 1024
const maxDepth = 16

const groups = new Set(settingPaths.flatMap(path => (path.includes('.') ? [path.slice(0, path.indexOf('.'))] : [])))

/**
 * What the file at `path` says: a JSON object of settings, `{"limits": {"maxStreams": 100}}`. Throws `invalid-setting` with the
 * path of what is wrong if it cannot be read, is no such object, or has an unknown name or a value that is none.
 */
export async function readConfigFile(path: string): Promise<Given> {
  return readConfig(await readText(path), path)
}

/** As `readConfigFile`, of its text. */
export function readConfig(text: string, file: string): Given {
  const given = new Gathering()
  for (const [name, value] of Object.entries(parse(text, file))) {
    if (name.includes('.')) {
      const [group = '', ...rest] = name.split('.')
      throw settingFault(`${file}: ${name}`, `write it as {"${group}": {"${rest.join('.')}": ...}}.`)
    }
    if (!groups.has(name)) {
      given.addJson(known(name, file), value, file)
      continue
    }
    if (!isObject(value)) throw settingFault(`${file}: ${name}`, `${show(value)} is no object of settings.`)
    for (const [inner, innerValue] of Object.entries(value)) {
      given.addJson(known(`${name}.${inner}`, file), innerValue, file)
    }
  }
  return given
}

/** The text of a small file that was named by a setting. Throws `invalid-setting` with `where`. */
export async function readText(path: string, where: string = path): Promise<string> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    const file = where === path ? 'the file' : path
    throw new TidingsError('invalid-setting', `${where}: ${file} cannot be read (${why}).`, { cause })
  }
  if (bytes.length > maxFileBytes) throw settingFault(where, `the file has more than ${maxFileBytes} bytes.`)
  return bytes.toString('utf8').replace(/^\ufeff/, '')
}

function parse(text: string, file: string): Readonly<Record<string, unknown>> {
  const isNone = () => settingFault(file, 'is no object of settings, such as {"port": 9000}.')
  try {
    // It says where it is wrong, and shows none of the text, in which there may be secrets.
    scanJson(text, { maxDepth, maxElements: 1 })
  } catch (error) {
    if (!(error instanceof TidingsError)) throw error
    throw error.code === 'invalid-json' ? settingFault(file, error.message) : isNone()
  }
  const value: unknown = JSON.parse(text)
  if (!isObject(value)) throw isNone()
  const twice = namedTwice(text)
  if (twice !== undefined) throw settingFault(`${file}: ${twice}`, 'is there twice.')
  return value
}

/** The path of the first name that an object has twice, of which `JSON.parse` would keep the last. `text` is JSON. */
function namedTwice(text: string): string | undefined {
  const objects: { readonly path: string; readonly names: Set<string> }[] = []
  let path = ''
  for (const [token, written] of text.matchAll(/[{}]|("[^"\\]*(?:\\.[^"\\]*)*")(?:\s*:)?/g)) {
    if (token === '{') objects.push({ path, names: new Set() })
    else if (token === '}') path = objects.pop()?.path ?? ''
    const inner = objects.at(-1)
    if (!inner || !written || token === written) continue
    const name: string = JSON.parse(written)
    path = inner.path ? `${inner.path}.${name}` : name
    if (inner.names.has(name)) return path
    inner.names.add(name)
  }
  return undefined
}

function known(path: string, file: string): SettingPath {
  const found = settingPaths.find(each => each === path)
  if (found !== undefined) return found
  const dotted = settingPaths.find(each => each === path.replace(/^[^.]*\./, ''))
  const meant = dotted ?? nearestName(path, settingPaths, '.')
  throw settingFault(
    `${file}: ${path}`,
    `there is no such setting. ${meant ? `Did you mean ${meant}?` : 'See tidings serve --help.'}`,
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
