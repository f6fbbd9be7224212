// Amounts as people read them.

const grouped = new Intl.NumberFormat('en')
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })

/** @param {number} count */
export function toCount(count) {
  return count < 100_000 ? grouped.format(count) : short.format(count)
}

/** @param {number} perSecond */
export function toRate(perSecond) {
  return perSecond < 10 ? String(Math.round(perSecond * 10) / 10) : toCount(Math.round(perSecond))
}

/** @param {number} count */
export function toBytes(count) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  let rest = count
  while (rest >= 1000 && unit < units.length - 1) {
    rest /= 1000
    unit++
  }
  return `${rest.toFixed(rest < 10 && unit > 0 ? 1 : 0)} ${units[unit]}`
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} many
 */
export function toPhrase(count, one, many) {
  return `${toCount(count)} ${count === 1 ? one : many}`
}
