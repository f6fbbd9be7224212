const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** `1536` as `1.5 KiB`. */
export function bytesText(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1)
  const value = bytes / 1024 ** power
  return `${Number(value.toFixed(value < 10 ? 2 : 1))} ${units[power]}`
}

/** `10604` as `10,604`. */
export function countText(count: number): string {
  return count.toLocaleString('en-US')
}

/** `1 event`, `10,604 events`. */
export function countOf(count: number, thing: string): string {
  return `${countText(count)} ${thing}${count === 1 ? '' : 's'}`
}

const spans = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const

/** A duration in the largest unit in which it is whole, such as `90 s`. */
export function durationText(ms: number): string {
  const [unitMs, unit] = spans.find(([unitMs]) => ms > 0 && ms % unitMs === 0) ?? [1, 'ms']
  return `${countText(ms / unitMs)} ${unit}`
}

/** How long ago, in its largest unit, cut off: `3 h`. */
function agoText(ms: number): string {
  const [unitMs, unit] = spans.find(([unitMs]) => ms >= unitMs) ?? [1_000, 's']
  return `${countText(Math.floor(ms / unitMs))} ${unit} ago`
}

/** `2026-11-23 09:30:24 UTC (3 h ago)`. */
export function timeText(time: number, now: number): string {
  const text = `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`
  return time > now ? `${text} (ahead of the clock)` : `${text} (${agoText(now - time)})`
}

/** A share of a whole, with as many digits as say something: `0.0012 %`. */
export function shareText(part: number, whole: number): string {
  const percent = (part / whole) * 100
  return `${percent >= 10 ? Math.round(percent) : Number(percent.toPrecision(2))} %`
}
