// One quiet place where screen readers are told what the eye sees happen: a copied line, a list that was narrowed.

import { element } from './elements.js'

const place = element('announcement', HTMLElement)

/** @param {string} text */
export function announce(text) {
  // The same words again are no change, which a reader would not speak.
  place.textContent = place.textContent === text ? `${text}\u00a0` : text
}
