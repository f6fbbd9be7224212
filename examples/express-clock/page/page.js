const time = element('time')
const state = element('state')
const plug = element('plug')
const list = element('list')

/** @type {EventSource | undefined} */
let source
let lastId = ''

function listen() {
  // A browser resumes by itself when the connection is cut. This is a new source, so it is told where the last one was.
  source = new EventSource(lastId === '' ? '/events' : `/events?lastEventId=${lastId}`)
  source.onopen = () => show('live')
  source.onerror = () => show('connecting')
  source.onmessage = ({ data, lastEventId }) => {
    lastId = lastEventId
    const said = new Date(data)
    time.textContent = said.toLocaleTimeString('en-GB')
    const item = document.createElement('li')
    item.dataset['said'] = data
    item.textContent = time.textContent
    if (Date.now() - said.getTime() > 2_500) item.append(' caught up')
    list.prepend(item)
    while (list.childElementCount > 20) list.lastElementChild?.remove()
  }
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

plug.addEventListener('click', () => {
  if (source) {
    source.close()
    source = undefined
    show('unplugged')
  } else {
    show('connecting')
    listen()
  }
  plug.textContent = source ? 'Pull the plug' : 'Put it back'
})
listen()
