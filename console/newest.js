// The list of the newest events, newest first.

/** @typedef {import('./stream.js').Heard} Heard */

const maxRows = 50
const maxDataChars = 300

/**
 * @param {HTMLElement} list
 * @param {{ pause: HTMLButtonElement, figures: HTMLButtonElement }} buttons
 */
export function createNewest(list, buttons) {
  /** @type {Heard[]} */
  let waiting = []
  const isPaused = toggle(buttons.pause)
  // They come by the second and are drawn anyway; in the list they would push out what people say.
  const hasFigures = toggle(buttons.figures)
  // Not every browser lets the keyboard scroll what it has not focused.
  list.tabIndex = 0
  return {
    /** @param {Heard} event */
    add(event) {
      if (event.topic.startsWith('host/') && !hasFigures()) return
      waiting.push(event)
      if (waiting.length > maxRows) waiting.shift()
    },

    draw() {
      if (isPaused() || waiting.length === 0) return
      list.prepend(...waiting.reverse().map(toRow))
      waiting = []
      while (list.childElementCount > maxRows) list.lastElementChild?.remove()
    },
  }
}

/**
 * Makes the button one that stays pressed until it is pressed again; tells whether it is.
 *
 * @param {HTMLButtonElement} button
 */
function toggle(button) {
  let isPressed = false
  button.addEventListener('click', () => {
    isPressed = !isPressed
    button.setAttribute('aria-pressed', String(isPressed))
  })
  return () => isPressed
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
