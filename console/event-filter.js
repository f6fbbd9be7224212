// The field that says which topics the list of events is about.

import { element } from './elements.js'

const typingMs = 400

/**
 * @param {(selector: string) => void} changed Told when it is another, some time after the last key. Empty: everything.
 */
export function createEventFilter(changed) {
  const field = element('event-filter', HTMLInputElement)
  const fault = element('filter-fault', HTMLElement)
  let selector = ''
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer

  const apply = () => {
    clearTimeout(timer)
    if (field.value === selector) return
    selector = field.value
    changed(selector)
  }
  field.addEventListener('input', () => {
    clearTimeout(timer)
    timer = setTimeout(apply, typingMs)
  })
  // Enter, and leaving the field.
  field.addEventListener('change', apply)
  return {
    selector: () => selector,

    /** @param {string} text */
    set(text) {
      field.value = text
      apply()
    },

    /** @param {string} detail Why the hub does not take it; empty: it does. */
    refuse(detail) {
      fault.textContent = detail
      field.toggleAttribute('aria-invalid', false)
      if (detail !== '') field.setAttribute('aria-invalid', 'true')
    },
  }
}
