/** Microseconds by a clock that never goes back. Only differences mean something. */
export function nowUs(): number {
  return Math.round(performance.now() * 1000)
}

/** The least that takes both numbers, however long a bench runs. */
export const leastDataBytes = 32

/** Data of an event of a bench: its number among those of its topic, when it was made, and what makes it `bytes` long. */
export function markData(number: number, us: number, bytes: number): string {
  return `${number} ${us} `.padEnd(bytes, '.')
}

/** The number and the time that data was marked with; `NaN` of other data. */
export function readMark(data: string): { readonly number: number; readonly us: number } {
  const space = data.indexOf(' ')
  return { number: Number(data.slice(0, space)), us: Number(data.slice(space, data.indexOf(' ', space + 1))) }
}
