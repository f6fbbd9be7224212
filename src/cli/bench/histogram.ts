/** How times are spread. Takes 26 kB, however many are recorded. */
export interface Histogram {
  /** Counts a time in microseconds; what is beyond 35 minutes counts as that. */
  record(us: number): void
  readonly count: number
  /** The time that a share of all (0 to 1) does not exceed, at most 0.8 % too great; 0 without any. */
  percentileUs(share: number): number
  readonly maxUs: number
}

/** Each power of two is cut into so many steps, so that a step is less than a hundredth of what it holds. */
const steps = 128
const stepBits = 7
const most = 2 ** 31 - 1

export function createHistogram(): Histogram {
  const counts = new Float64Array((31 - stepBits + 1) * steps)
  let count = 0
  let maxUs = 0
  return {
    record(us) {
      const value = us < 0 ? 0 : us > most ? most : Math.round(us)
      const step = stepOf(value)
      counts[step] = (counts[step] ?? 0) + 1
      count++
      if (value > maxUs) maxUs = value
    },
    get count() {
      return count
    },
    percentileUs(share) {
      const wanted = Math.max(1, Math.ceil(count * share))
      let seen = 0
      for (let step = 0; step < counts.length; step++) {
        seen += counts[step] ?? 0
        if (seen >= wanted && count > 0) return Math.min(greatestOf(step), maxUs)
      }
      return 0
    },
    get maxUs() {
      return maxUs
    },
  }
}

function stepOf(value: number): number {
  if (value < steps) return value
  const exponent = 31 - Math.clz32(value) - stepBits
  return (exponent + 1) * steps + (value >>> exponent) - steps
}

/** The greatest value that falls into a step. */
function greatestOf(step: number): number {
  if (step < steps) return step
  const exponent = Math.floor(step / steps) - 1
  return ((step % steps) + steps + 1) * 2 ** exponent - 1
}
