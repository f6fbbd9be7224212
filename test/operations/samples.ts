/** What `/metrics` answered. */
export interface Samples {
  /** The value of the sample with that name and those labels. Throws if there is none. */
  of(name: string, labels?: Readonly<Record<string, string>>): number
  /** Names with their labels, as they came. */
  readonly series: readonly string[]
}

/** Asks a hub for its figures. */
export async function readMetrics(url: string): Promise<Samples> {
  const answer = await fetch(`${url}/metrics`)
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`/metrics answered ${answer.status}: ${text}`)
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  const values = new Map(
    lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  )
  return {
    series: [...values.keys()],
    of(name, labels = {}) {
      const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
      for (const [series, value] of values) {
        const [found = '', rest = ''] = series.split('{')
        if (found === name && wanted.every(label => rest.includes(label))) return value
      }
      throw new Error(`There is no ${name} {${wanted.join()}} in:\n${text}`)
    },
  }
}
