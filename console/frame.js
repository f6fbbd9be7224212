// When the page is drawn.

/** At most so often: faster than this, nobody reads. */
const betweenMs = 200

/**
 * A function that has `draw` called soon: once, however often it is asked, in step with the screen, and not at all in a tab that
 * nobody sees until somebody does.
 *
 * @param {() => void} draw
 */
export function createFrame(draw) {
  let isAsked = false
  let drawn = 0
  return () => {
    if (isAsked) return
    isAsked = true
    setTimeout(
      () =>
        requestAnimationFrame(() => {
          isAsked = false
          drawn = performance.now()
          draw()
        }),
      Math.max(0, drawn + betweenMs - performance.now()),
    )
  }
}
