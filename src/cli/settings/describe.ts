import { flagOf } from './names.js'
import { toJson } from './resolve.js'
import type { SettingPath } from './settings.js'
import { type Known, type Setting, sections, settingPaths, table } from './table.js'

/** What a setting's default is in words; nothing: it is not set. */
export function defaultOf(path: SettingPath): string {
  const { fallback, shown }: Setting<unknown> = table[path]
  if (shown !== undefined) return shown
  const value = toJson(path, fallback(nothingKnown) as never)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** What goes by it says its default in words. */
const nothingKnown: Known = { log: { kind: 'memory' }, demo: false, limits: {} as Known['limits'] }

const pageWidth = 100

/** The flags of `tidings serve` as lines of its help, by section. */
export function describeSettings(): string {
  const call = [
    entry('--config FILE', 'Read settings from this JSON file (also TIDINGS_CONFIG); SIGHUP reads it again.'),
    entry(
      '--print-config',
      'Print the settings that hold, as such a file, and end; on the error stream, where each came from.',
    ),
    entry('--help', 'Show this.'),
  ]
  const parts = sections.map(section => {
    const entries = pathsOf(section).map(path => {
      const { kind, help, isReloadable } = table[path]
      const flag = kind.value === undefined ? `--[no-]${flagOf(path).slice(2)}` : `${flagOf(path)} ${kind.value}`
      const more = `${kind.isList ? ' May be given several times.' : ''} Default: ${plain(defaultOf(path))}.`
      return entry(`${flag}${isReloadable ? ' *' : ''}`, `${plain(help)}${more}`)
    })
    return `${section}:\n${entries.join('')}`
  })
  return `${call.join('')}\n${parts.join('\n')}`
}

/** The settings of a section, in the order of the table. */
export function pathsOf(section: string): readonly SettingPath[] {
  return settingPaths.filter(path => table[path].section === section)
}

function plain(text: string): string {
  return text.replaceAll('`', '')
}

/** A flag, and what it does below it, broken into lines. */
function entry(flag: string, help: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of help.split(' ')) {
    if (line !== '' && line.length + word.length + 7 > pageWidth) {
      lines.push(line)
      line = ''
    }
    line += line === '' ? word : ` ${word}`
  }
  return `  ${flag}\n${[...lines, line].map(each => `      ${each}\n`).join('')}`
}
