// The list of the newest events, newest first.

/** @typedef {import('./stream.js').Heard} Heard */

const maxRows = 50
const maxDataChars = 300

/**
 * @param {HTMLElement} list
 * @param {HTMLButtonElement} pause
 */
export function createNewest(list, pause) {
  /** @type {Heard[]} */
  let waiting = []
  let isPaused = false
  // Not every browser lets the keyboard scroll what it has not focused.
  list.tabIndex = 0
  pause.addEventListener('click', () => {
    isPaused = !isPaused
    pause.setAttribute('aria-pressed', String(isPaused))
  })
  return {
    /** @param {Heard} event */
    add(event) {
      waiting.push(event)
      if (waiting.length > maxRows) waiting.shift()
    },

    draw() {
      if (isPaused || waiting.length === 0) return
      list.prepend(...waiting.reverse().map(toRow))
      waiting = []
      while (list.childElementCount > maxRows) list.lastElementChild?.remove()
    },
  }
}

/** @param {Heard} event */
function toRow({ topic, time, data }) {
  const row = document.createElement('li')
  const when = document.createElement('time')
  const date = new Date(time)
  when.dateTime = date.toISOString()
  when.textContent = date.toTimeString().slice(0, 8)
  row.append(when, cell('topic', topic), cell('data', data.slice(0, maxDataChars)))
  return row
}

/**
 * @param {string} name
 * @param {string} text
 */
function cell(name, text) {
  const span = document.createElement('span')
  span.className = name
  span.textContent = text
  span.title = text
  return span
}
