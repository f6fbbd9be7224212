// The newest events, newest first: as many as a person may want to look back at, and no more.

import { toCount } from './amounts.js'
import { element, makeToggle } from './elements.js'
import { toRow } from './event-row.js'

/** @typedef {import('./stream.js').Heard} Heard */

/** What the list holds, and what waits while it is held still. */
export const maxRows = 100
/** If no more come at once, each is pointed at for a moment; a list that flickers helps nobody. */
const maxGreeted = 3

/** The list with its buttons. */
export function createEvents() {
  const list = element('events', HTMLElement)
  const waitingButton = element('waiting', HTMLButtonElement)
  const nothing = element('nothing', HTMLElement)
  /** @type {Heard[]} */
  let waiting = []
  let waitingCount = 0
  let isBegun = false
  /** What the list was begun with, and the stream may bring again. */
  let known = new Set()
  const pause = makeToggle(element('pause', HTMLButtonElement), draw)
  walkByArrows(list)
  waitingButton.addEventListener('click', () => {
    list.scrollTop = 0
    pause.set(false)
    draw()
    list.querySelector('summary')?.focus()
  })
  list.addEventListener('scroll', () => {
    if (list.scrollTop <= 0 && waiting.length > 0) draw()
  })

  // Nobody wants a line taken away while they read it, stand on it, or look further back.
  const isHeld = () => pause.isPressed() || list.scrollTop > 0 || list.querySelector('summary:focus-visible') !== null

  function draw() {
    if (!isHeld() && waiting.length > 0) {
      const rows = waiting.reverse().map(event => toRow(event, hold))
      if (rows.length <= maxGreeted && list.childElementCount > 0) for (const row of rows) row.className = 'greeted'
      list.prepend(...rows)
      while (list.childElementCount > maxRows) list.lastElementChild?.remove()
      waiting = []
      waitingCount = 0
    }
    waitingButton.hidden = waitingCount === 0
    waitingButton.textContent = `Show ${toCount(waitingCount)} newer`
    const stop = list.querySelector('summary[tabindex="0"]') ?? list.querySelector('summary')
    if (stop instanceof HTMLElement) stop.tabIndex = 0
    // Before the newest were read, nobody knows.
    nothing.hidden = !isBegun || list.childElementCount > 0
  }

  /** @param {boolean} isOpen */
  function hold(isOpen) {
    if (isOpen) pause.set(true)
  }

  /** @param {Heard} event */
  function add(event) {
    if (event.id !== undefined && known.delete(event.id)) return
    waiting.push(event)
    waitingCount++
    if (waiting.length > maxRows) waiting.shift()
  }

  return {
    add,
    draw,

    /**
     * Begins anew, with these.
     *
     * @param {readonly Heard[]} events The oldest first.
     */
    begin(events) {
      isBegun = true
      list.replaceChildren()
      list.scrollTop = 0
      waiting = []
      waitingCount = 0
      known = new Set()
      pause.set(false)
      for (const event of events) add(event)
      known = new Set(events.map(event => event.id))
      draw()
    },
  }
}

/** @param {HTMLElement} list */
function walkByArrows(list) {
  list.addEventListener('focusin', ({ target }) => {
    if (!(target instanceof HTMLElement) || target.tagName !== 'SUMMARY') return
    for (const line of list.querySelectorAll('summary[tabindex="0"]')) line.setAttribute('tabindex', '-1')
    target.tabIndex = 0
  })
  list.addEventListener('keydown', event => {
    if (!(event.target instanceof HTMLElement) || event.target.tagName !== 'SUMMARY') return
    const all = [...list.querySelectorAll('summary')]
    const at = all.indexOf(event.target)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    all[to]?.focus()
  })
}
