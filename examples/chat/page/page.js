const room = new URLSearchParams(location.search).get('room') ?? 'lobby'
const address = `/rooms/${encodeURIComponent(room)}`
const list = element('list')
const talk = element('talk')
const state = element('state')
const name = /** @type {HTMLInputElement} */ (element('name'))
const text = /** @type {HTMLInputElement} */ (element('text'))

/**
 * What was typed here and has not been heard yet, by its key.
 *
 * @type {Map<string, HTMLElement>}
 */
const pending = new Map()

// It scrolls, so the keyboard has to reach it.
talk.tabIndex = 0
element('room').textContent = `# ${room}`
name.value = localStorage.getItem('name') ?? ''

const source = new EventSource(address)
source.onopen = () => show('live')
source.onerror = () => show(source.readyState === EventSource.CLOSED ? 'refused' : 'connecting')
source.onmessage = ({ data }) => {
  const said = JSON.parse(data)
  const row = pending.get(said.key) ?? toRow(said)
  pending.delete(said.key)
  row.classList.remove('pending')
  // Its place is where the hub put it.
  list.append(row, ...pending.values())
  talk.scrollTop = talk.scrollHeight
}
source.addEventListener('$gap', () => {
  const row = document.createElement('li')
  row.className = 'gap'
  row.textContent = 'Something that was said may be missing here.'
  list.append(row)
})

element('form').addEventListener('submit', event => {
  event.preventDefault()
  localStorage.setItem('name', name.value)
  const key = Array.from(crypto.getRandomValues(new Uint32Array(4)), part => part.toString(36)).join('-')
  const said = { name: name.value, text: text.value, key }
  const row = toRow(said)
  row.classList.add('pending')
  pending.set(key, row)
  list.append(row)
  talk.scrollTop = talk.scrollHeight
  text.value = ''
  void send(said, row)
})

/**
 * Says it again with the same key until there is an answer.
 *
 * @param {{ name: string, text: string, key: string }} said
 * @param {HTMLElement} row
 */
async function send(said, row) {
  for (;;) {
    try {
      const body = JSON.stringify(said)
      const answer = await fetch(address, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })
      if (answer.ok) return
      if (answer.status < 500) {
        row.classList.add('refused')
        pending.delete(said.key)
        return
      }
    } catch {
      // The server is away; what was typed waits.
    }
    await new Promise(resolve => setTimeout(resolve, 1_000))
  }
}

/** @param {{ name: string, text: string }} said */
function toRow(said) {
  const row = document.createElement('li')
  const who = document.createElement('b')
  who.textContent = said.name
  const what = document.createElement('span')
  what.textContent = said.text
  row.append(who, what)
  if (said.name === name.value) row.classList.add('mine')
  return row
}

/** @param {string} word */
function show(word) {
  state.textContent = word
  state.dataset['state'] = word
}

/** @param {string} id */
function element(id) {
  const found = document.getElementById(id)
  if (!found) throw new Error(`The page has no #${id}.`)
  return found
}
