import { hear } from '../hear.mjs'
import { peers } from '../peers.mjs'
import { untilReaders, withPeer } from './row.mjs'

const lineEnds = ['\n', '\r', '\r\n']
/** What somebody writes into a form whose text becomes a name, a comment or data. @param {string} end */
const attack = end =>
  ['x', 'event: forged', 'id: forged', 'data: forged', '', 'data: forged', '', ': '].join(end).replaceAll('\0', '')

/** @typedef {'id' | 'type' | 'comment' | 'data'} Part */

/**
 * Says the attack in one part of an event, and then an innocent event, and looks at what is heard.
 *
 * @param {Part} part
 * @param {string} name
 * @returns {Promise<import('./row.mjs').Outcome>}
 */
async function tryToForge(part, name) {
  const peer = peers[name]
  if (part === 'comment' && !peer?.hasComments) return { verdict: 'not claimed', says: 'has no comments' }
  const paths = part === 'data' ? ['/text'] : (peer?.streams ?? [])
  /** @type {Set<string>} */
  const found = new Set()
  await withPeer(name, async running => {
    for (const path of paths) {
      if (part === 'comment' && name === 'tidings' && path === '/events') continue
      for (const end of lineEnds) {
        const reader = await hear(running.port, path)
        await untilReaders(running, path, 1)
        const value = attack(end)
        const said = await (part === 'data'
          ? running.say(path, value)
          : running.say(path, 'innocent', { [part]: value }))
        await running.say(path, 'behind')
        await reader.until(({ events }) => events.some(({ data }) => /behind/.test(data)))
        const isForged = reader.all.some(
          ({ type, id, data }) => type === 'forged' || id === 'forged' || data === 'forged',
        )
        const lines = value.split(/\r\n|\r|\n/).join('\n')
        const isWhole = part !== 'data' || reader.events.some(({ data }) => data === lines)
        found.add(said === 'refused' ? 'refused' : isForged ? 'forged' : isWhole ? 'harmless' : 'mangled')
        reader.leave()
        await untilReaders(running, path, 0)
      }
    }
  })
  const isSafe = !found.has('forged') && !found.has('mangled')
  const says = found.has('forged') ? '**forged**' : [...found].sort().join(', ')
  return { verdict: isSafe ? 'holds' : 'breaks', says }
}

/** @param {Part} part @param {string} title @param {string} about @returns {import('./row.mjs').Row} */
const row = (part, title, about) => ({ title, about, try: name => tryToForge(part, name) })

export const injectionById = row(
  'id',
  'Forging by id',
  'An id holds line ends and fields (`x`, `event: forged`, `data: forged`, ...), with LF, CR and CRLF. Nothing of it may be heard as an event, a type or an id of its own.',
)
export const injectionByType = row('type', 'Forging by type', 'The same in the type (`event:`).')
export const injectionByComment = row('comment', 'Forging by comment', 'The same in a comment.')
export const injectionByData = row(
  'data',
  'Forging by a text as it is',
  'The same in data that are passed on as a text, not as JSON. It must be heard as one event with all its lines.',
)
