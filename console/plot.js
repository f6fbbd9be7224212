// A small plot of one or two figures over the last minutes, drawn as paths.

/**
 * @typedef {{ time: number, values: readonly number[] }} Sample
 * @typedef {{
 *   topic: string,
 *   title: string,
 *   values: (figures: Record<string, number>) => readonly number[],
 *   top: (highest: number, figures: Record<string, number>) => number,
 *   value: (figures: Record<string, number>) => string,
 *   note: (figures: Record<string, number>) => string,
 * }} PlotOptions
 */

const spanMs = 5 * 60_000
const maxSamples = 600
const width = 300
const height = 60
const svgNamespace = 'http://www.w3.org/2000/svg'

/**
 * @param {PlotOptions} options
 */
export function createPlot(options) {
  const element = document.createElement('div')
  element.className = 'plot'
  const title = document.createElement('h3')
  title.textContent = options.title
  const value = document.createElement('p')
  value.className = 'value'
  value.textContent = '\u2013'
  const note = document.createElement('p')
  note.className = 'note hint'
  const svg = document.createElementNS(svgNamespace, 'svg')
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`)
  svg.setAttribute('preserveAspectRatio', 'none')
  svg.setAttribute('role', 'img')
  svg.setAttribute('aria-label', `${options.title}: no figures yet`)
  const paths = ['area', 'first', 'second'].map(name => {
    const path = document.createElementNS(svgNamespace, 'path')
    path.setAttribute('class', name)
    svg.append(path)
    return path
  })
  element.append(title, value, note, svg)

  /** @type {Sample[]} */
  const samples = []
  /** @type {Record<string, number>} */
  let newest = {}

  return {
    element,
    topic: options.topic,

    /**
     * Passes over what comes again: a stream may begin anew a little further back.
     *
     * @param {number} time
     * @param {Record<string, number>} figures
     */
    add(time, figures) {
      if (time <= (samples.at(-1)?.time ?? 0)) return
      newest = figures
      samples.push({ time, values: options.values(figures) })
      while (samples.length > maxSamples || (samples[0]?.time ?? time) < time - spanMs) samples.shift()
    },

    /** Whether there was anything to draw. */
    draw() {
      const end = samples.at(-1)?.time
      if (end === undefined) return false
      const highest = Math.max(...samples.flatMap(sample => sample.values))
      const top = options.top(highest, newest)
      /** @param {number} time */
      const x = time => round(width * (1 - (end - time) / spanMs))
      /** @param {number} figure */
      const y = figure => round(height - 1 - (height - 3) * Math.min(1, figure / top))
      /** @param {number} index */
      const line = index => samples.map(({ time, values }) => `${x(time)} ${y(values[index] ?? 0)}`).join('L')
      const first = line(0)
      paths[0]?.setAttribute('d', `M${x(samples[0]?.time ?? end)} ${height}L${first}L${x(end)} ${height}Z`)
      paths[1]?.setAttribute('d', `M${first}`)
      if ((samples[0]?.values.length ?? 0) > 1) paths[2]?.setAttribute('d', `M${line(1)}`)
      value.textContent = options.value(newest)
      note.textContent = options.note(newest)
      svg.setAttribute('aria-label', `${options.title}, now ${value.textContent} ${note.textContent}`)
      return true
    },
  }
}

/** @param {number} figure */
function round(figure) {
  return Math.round(figure * 10) / 10
}
