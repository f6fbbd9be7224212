import { nearest } from '../../http/nearest.js'
import { type Kind, text } from './kinds.js'

/** Where the log is kept: in this process, or in a directory. */
export type LogPlace = { readonly kind: 'memory' } | { readonly kind: 'lmdb'; readonly directory: string }

/** `lmdb:DIRECTORY` or `memory:`. */
export const logPlace: Kind<LogPlace> = text({
  value: 'KIND:PLACE',
  rule: '`lmdb:DIRECTORY` or `memory:`',
  parse(given, where) {
    const colon = given.indexOf(':')
    const kind = colon < 0 ? given : given.slice(0, colon)
    const place = colon < 0 ? '' : given.slice(colon + 1)
    if (colon >= 0 && kind === 'memory') {
      if (place === '') return { kind: 'memory' }
      throw where.fault(`a log in memory has no place; write ${where.write('memory:')} instead of "${given}".`)
    }
    if (colon >= 0 && kind === 'lmdb') {
      if (place !== '') return { kind: 'lmdb', directory: place }
      throw where.fault(
        `"lmdb:" lacks its directory; write it behind the colon, such as ${where.write('lmdb:.tidings')}.`,
      )
    }
    const meant = nearest(kind, ['lmdb', 'memory'])
    const hint =
      meant === 'memory'
        ? `Did you mean ${where.write('memory:')}?`
        : meant === 'lmdb'
          ? `Did you mean ${where.write(`lmdb:${place || 'DIRECTORY'}`)}?`
          : /[/.\\]/.test(given)
            ? `A directory is written ${where.write(`lmdb:${given}`)}.`
            : `Write ${where.write('lmdb:DIRECTORY')} or ${where.write('memory:')}.`
    throw where.fault(`"${given}" names no log. ${hint}`)
  },
  write: place => (place.kind === 'memory' ? 'memory:' : `lmdb:${place.directory}`),
})
