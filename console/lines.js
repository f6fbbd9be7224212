// Lines to paste into a terminal, with this hub's address, and a button that copies each.

import { announce } from './announce.js'
import { copyText } from './clipboard.js'
import { element, make } from './elements.js'

const thanksMs = 2000

const hub = location.origin

/** Where the lines go: the id of the place, what each is for, and the line. */
const lines = /** @type {const} */ ([
  ['lines', 'Hear a topic', `curl -N ${hub}/events/news`],
  ['lines', 'Say something on it', `curl -d 'Hello' ${hub}/events/news`],
  ['lines', 'Have it again, as JSON', `curl -H 'Accept: application/json' ${hub}/events/news`],
  ['lines', 'Hear all, from ten minutes ago', `curl -N '${hub}/events?topic=**&since=10m'`],
  [
    'script',
    'Paste into the console of this page',
    `new EventSource('/events/news')\n  .onmessage = e => console.log(e.data)`,
  ],
  ['first-line', 'Paste this into a terminal', `curl -d 'Hello' ${hub}/events/news`],
])

/** Puts them where they belong. */
export function showLines() {
  for (const [id, purpose, text] of lines) element(id, HTMLElement).append(toLine(purpose, text))
}

/**
 * @param {string} purpose
 * @param {string} text
 */
function toLine(purpose, text) {
  const line = make('div', 'line')
  const code = make('code', '', text)
  const pre = make('pre', '')
  pre.append(code)
  const button = make('button', 'copy', 'Copy')
  button.type = 'button'
  button.setAttribute('aria-label', `Copy: ${purpose}`)
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  button.addEventListener('click', async () => {
    const isCopied = await copyText(code)
    button.textContent = isCopied ? 'Copied' : 'Selected'
    announce(isCopied ? 'Copied' : 'Selected: copy it with the keyboard')
    clearTimeout(timer)
    timer = setTimeout(() => {
      button.textContent = 'Copy'
    }, thanksMs)
  })
  const bar = make('div', 'bar')
  bar.append(make('p', 'purpose', purpose), button)
  line.append(bar, pre)
  return line
}
