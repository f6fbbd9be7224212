import uPlot from 'uplot'

/**
 * A plot of one line over time, as wide as its place, in the colours of the page.
 *
 * @param {HTMLElement} place
 */
export function createPlot(place) {
  const ink = () => getComputedStyle(document.body).color
  const line = () => getComputedStyle(place).borderTopColor
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } }
  const plot = new uPlot(
    {
      ...sizeOf(place),
      legend: { show: false },
      cursor: { show: false },
      axes: [
        { ...axis, values: (_plot, splits) => splits.map(toTime) },
        { ...axis, size: 64 },
      ],
      series: [{}, { stroke: () => getComputedStyle(place).color, width: 2, points: { show: false } }],
    },
    [[], []],
    place,
  )
  new ResizeObserver(() => plot.setSize(sizeOf(place))).observe(place)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => plot.redraw())
  /** @type {number[] | undefined} */
  let drawn
  let last = 0

  return {
    /** @param {[times: number[], prices: number[]]} points */
    draw(points) {
      const [times] = points
      const newest = times.at(-1) ?? 0
      if (times === drawn && newest === last) return
      drawn = times
      last = newest
      plot.setData(points)
    },
  }
}

/** @param {number} seconds */
const toTime = seconds => new Date(seconds * 1_000).toLocaleTimeString('en-GB')

/** @param {HTMLElement} place */
function sizeOf({ clientWidth }) {
  return { width: clientWidth, height: 240 }
}
