const text = element('text')
const state = element('state')
const form = /** @type {HTMLFormElement} */ (element('form'))
const question = /** @type {HTMLInputElement} */ (element('question'))
const cut = /** @type {HTMLButtonElement} */ (element('cut'))
const stop = /** @type {HTMLButtonElement} */ (element('stop'))

/** @type {Record<string, string>} */
const endings = {
  completed: 'The answer is complete.',
  failed: 'The model broke off; this is what it said before.',
  stopped: 'Stopped here, as somebody asked.',
  abandoned: 'The server that brought it is gone; this is what it said before.',
}

/** The answer on the page; empty: none. */
let id = ''
/** @type {EventSource | undefined} */
let source
let lastId = ''
let words = 0
let isOver = false

/** Shows an answer from its first word on. @param {string} asked */
function open(asked) {
  source?.close()
  id = asked
  lastId = ''
  words = 0
  isOver = false
  text.textContent = ''
  element('asked').textContent = 'Question'
  element('answer').hidden = id === ''
  element('second').setAttribute('href', `?answer=${id}`)
  if (id !== '') listen()
}

function listen() {
  // A browser resumes by itself when the connection is cut. This is a new source, so it is told where the last one was.
  source = new EventSource(lastId === '' ? `/answers/${id}` : `/answers/${id}?lastEventId=${lastId}`)
  source.addEventListener('question', ({ data, lastEventId }) => {
    lastId = lastEventId
    element('asked').textContent = JSON.parse(data).question
  })
  source.addEventListener('token', ({ data, lastEventId }) => {
    lastId = lastEventId
    words++
    text.append(JSON.parse(data).text)
    tell()
  })
  source.addEventListener('$end', ({ data }) => {
    source?.close()
    isOver = true
    tell('over', endings[JSON.parse(data).outcome] ?? 'It has ended.')
  })
  source.onopen = () => tell()
  source.onerror = () => {
    if (source?.readyState !== EventSource.CLOSED) return tell('cut', 'The line is cut; coming back.')
    isOver = true
    tell('over', 'There is no such answer.')
  }
  tell()
}

/**
 * @param {string} word
 * @param {string} message
 */
function tell(word = words > 0 ? 'live' : 'waiting', message = words > 0 ? 'Being written.' : 'Waiting for a word.') {
  // It is read aloud, so it is touched only when it changes.
  if (state.textContent !== message) state.textContent = message
  state.dataset['state'] = word
  element('count').textContent = words > 0 ? `${words} words.` : ''
  text.setAttribute('aria-busy', String(!isOver))
  cut.hidden = isOver
  stop.hidden = isOver
  cut.textContent = source?.readyState === EventSource.CLOSED ? 'Put it back' : 'Cut the line'
}

cut.addEventListener('click', () => {
  if (source?.readyState === EventSource.CLOSED) return listen()
  source?.close()
  tell('cut', 'The line is cut. The answer goes on without you.')
})

stop.addEventListener('click', async () => {
  stop.disabled = true
  try {
    await fetch(`/answers/${id}`, { method: 'DELETE' })
    if (source?.readyState === EventSource.CLOSED && !isOver) listen()
  } catch {
    tell('cut', 'The server is away; stop it when it is back.')
  }
  stop.disabled = false
})

form.addEventListener('submit', async event => {
  event.preventDefault()
  try {
    const answer = await fetch('/answers', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ question: question.value }),
    })
    if (!answer.ok) throw new Error(String(answer.status))
    // A reload finds it again.
    history.pushState(null, '', `?answer=${(await answer.json()).id}`)
    question.value = ''
    openAsked()
  } catch {
    element('answer').hidden = false
    tell('cut', 'That did not arrive; ask again.')
  }
})

for (const button of document.querySelectorAll('button[data-question]')) {
  button.addEventListener('click', () => {
    question.value = button.getAttribute('data-question') ?? ''
    form.requestSubmit()
  })
}

const openAsked = () => open(new URLSearchParams(location.search).get('answer') ?? '')
window.addEventListener('popstate', openAsked)
openAsked()

/** @param {string} id */
function element(id) {
  const found = document.getElementById(id)
  if (!found) throw new Error(`The page has no #${id}.`)
  return found
}
