import type { SubscribeRequest } from '../hub/request.js'
import { TidingsError } from '../wire/errors.js'
import { parsePosition } from '../wire/names.js'

type Since = NonNullable<SubscribeRequest['since']>

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const durationForm = /^([0-9]{1,12})(ms|s|m|h|d)$/
// RFC 3339, 5.6. The sign of the zone may have come as a space, which is what a "+" in a query means.
const timeForm = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(\.\d{1,9})?(?:[Zz]|([+\- ])(\d{2}):(\d{2}))$/

/**
 * Where to begin: `now`, `earliest`, `latest`, a position, a duration back from now (`500ms`, `90s`, `10m`, `24h`, `7d`),
 * or an RFC 3339 time with its zone. Throws `invalid-parameter`.
 */
export function parseSince(text: string, now: number): Since {
  if (text === 'now' || text === 'earliest' || text === 'latest') return { kind: text }
  if (parsePosition(text)) return { kind: 'position', position: text }
  const [, count, unit = ''] = durationForm.exec(text) ?? []
  const ms = unitMs[unit]
  if (ms !== undefined) return { kind: 'time', time: Math.max(0, now - Number(count) * ms) }
  const time = parseTime(text)
  if (time !== undefined) return { kind: 'time', time: Math.max(0, time) }
  throw new TidingsError(
    'invalid-parameter',
    '"since" is now, earliest, latest, the id of an event, a duration back such as 90s, 10m or 24h, or a time such as 2026-11-23T10:00:00Z.',
  )
}

function parseTime(text: string): number | undefined {
  const match = timeForm.exec(text)
  if (!match) return undefined
  const [, date = '', clock = '', fraction = '', sign, zoneHours = '0', zoneMinutes = '0'] = match
  const day = Date.parse(`${date}T00:00:00Z`)
  const [hours = 0, minutes = 0, seconds = 0] = clock.split(':').map(Number)
  // `Date.parse` takes 30 February for 2 March, and no leap second; the latter is RFC 3339's.
  if (Number.isNaN(day) || new Date(day).toISOString().slice(0, 10) !== date) return undefined
  if (hours > 23 || minutes > 59 || seconds > 60 || Number(zoneHours) > 23 || Number(zoneMinutes) > 59) return undefined
  const zone = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000 * (sign === '-' ? -1 : 1)
  const ms = fraction === '' ? 0 : Math.floor(Number(`0${fraction}`) * 1000)
  return day + ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms - zone
}
