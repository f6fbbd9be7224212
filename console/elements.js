// Finding and making the elements of the page. Text goes in as text: nothing that a publisher says is ever read as HTML.

/**
 * Throws if the page has no such element.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {{ new (): T }} kind
 * @returns {T}
 */
export function element(id, kind) {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} #${id}`)
  return found
}

/**
 * @template {keyof HTMLElementTagNameMap} N
 * @param {N} name
 * @param {string} className
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[N]}
 */
export function make(name, className, text = '') {
  const made = document.createElement(name)
  if (className !== '') made.className = className
  if (text !== '') made.textContent = text
  return made
}

/**
 * Makes the button one that stays pressed until it is pressed again.
 *
 * @param {HTMLButtonElement} button
 * @param {() => void} changed Told after each change.
 */
export function makeToggle(button, changed) {
  let isPressed = false
  /** @param {boolean} pressed */
  const set = pressed => {
    if (pressed === isPressed) return
    isPressed = pressed
    button.setAttribute('aria-pressed', String(pressed))
    changed()
  }
  button.addEventListener('click', () => set(!isPressed))
  return { isPressed: () => isPressed, set }
}
