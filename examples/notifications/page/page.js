/** @typedef {{ id: string, from: string, text: string, isRead: boolean }} Notice */

const state = element('state')
const list = element('list')
const text = /** @type {HTMLInputElement} */ (element('text'))
const nameOf = (/** @type {string} */ user) => user.charAt(0).toUpperCase() + user.slice(1)

let user = ''
/** @type {EventSource | undefined} */
let source
/** Everything up to here is in `notices`. */
let cursor = ''
/**
 * By id, in the order of the log.
 *
 * @type {Map<string, { notice: Notice, row: HTMLElement }>}
 */
const notices = new Map()

/** Hears the inbox of who is signed in: all of it on a new device, else what came since this one heard it last. */
function listen() {
  source?.close()
  const kept = JSON.parse(localStorage.getItem(`inbox of ${user}`) ?? '{}')
  cursor = kept.cursor ?? ''
  notices.clear()
  list.replaceChildren()
  for (const notice of kept.notices ?? []) add(notice)
  tell()
  source = new EventSource(cursor === '' ? `/inbox/${user}` : `/inbox/${user}?lastEventId=${cursor}`)
  source.onopen = () => show('live')
  source.onerror = () => {
    if (source?.readyState !== EventSource.CLOSED) return show('connecting')
    show('refused')
    enter('')
  }
  source.addEventListener('notice', ({ data, lastEventId }) => {
    add({ id: lastEventId, ...JSON.parse(data), isRead: false })
    seen(lastEventId)
  })
  source.addEventListener('read', ({ data, lastEventId }) => {
    for (const id of JSON.parse(data).ids) setRead(id)
    seen(lastEventId)
  })
  source.addEventListener('$cursor', ({ lastEventId }) => seen(lastEventId))
  source.addEventListener('$gap', () => {
    element('gap').hidden = false
  })
}

/** @param {Notice} notice */
function add(notice) {
  const said = document.createElement('p')
  const who = document.createElement('b')
  who.textContent = nameOf(notice.from)
  said.append(who, ' ', notice.text)
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'plain'
  button.textContent = 'Mark as read'
  button.addEventListener('click', () => markAsRead([notice.id]))
  const row = document.createElement('li')
  row.append(said, button)
  list.prepend(row)
  notices.set(notice.id, { notice: { ...notice, isRead: false }, row })
  if (notice.isRead) setRead(notice.id)
}

/** @param {string} id */
function setRead(id) {
  const { notice, row } = notices.get(id) ?? {}
  if (!notice || !row) return
  notice.isRead = true
  row.className = 'read'
  const button = row.querySelector('button')
  // The keyboard stays in the list.
  if (document.activeElement === button) (row.nextElementSibling?.querySelector('button') ?? list).focus()
  button?.remove()
}

/** @param {string} id */
function seen(id) {
  cursor = id
  for (const [old, { notice, row }] of [...notices].slice(0, -200)) {
    if (!notice.isRead) continue
    notices.delete(old)
    row.remove()
  }
  tell()
}

const unread = () => [...notices.values()].filter(({ notice }) => !notice.isRead)
let isTelling = false

/** Once for all that came together. */
function tell() {
  if (isTelling) return
  isTelling = true
  setTimeout(() => {
    isTelling = false
    const count = unread().length
    element('count').textContent = String(count)
    element('bell').classList.toggle('rings', count > 0)
    document.title = count > 0 ? `(${count}) Notifications` : 'Notifications'
    const kept = [...notices.values()].map(({ notice }) => notice)
    // Both in one piece: a cursor is worth nothing without what came before it.
    if (user !== '' && cursor !== '')
      localStorage.setItem(`inbox of ${user}`, JSON.stringify({ cursor, notices: kept }))
  })
}

/** The inbox says it to all windows, this one too. @param {string[]} ids */
const markAsRead = ids => post(`/inbox/${user}/read`, { ids })

element('all').addEventListener('click', () => {
  const ids = unread().map(({ notice }) => notice.id)
  for (let i = 0; i < ids.length; i += 1_000) void markAsRead(ids.slice(i, i + 1_000))
})

element('form').addEventListener('submit', async event => {
  event.preventDefault()
  if (await post('/notices', { to: otherOf(user), text: text.value })) text.value = ''
})

element('both').addEventListener('change', ({ currentTarget }) => {
  list.classList.toggle('both', /** @type {HTMLInputElement} */ (currentTarget).checked)
})

for (const button of document.querySelectorAll('button[data-user]')) {
  button.addEventListener('click', () => sign(button.getAttribute('data-user') ?? ''))
}
element('sign-out').addEventListener('click', () => sign(''))

/** @param {string} asked */
async function sign(asked) {
  const answer = await post('/session', { user: asked })
  if (answer) enter((await answer.json()).user)
}

/** @param {string} asked Nobody: empty. */
function enter(asked) {
  // Who comes to this browser next is to find nothing of it; whoever signs in again hears all from the beginning.
  if (user !== '' && user !== asked) localStorage.removeItem(`inbox of ${user}`)
  user = asked
  element('sign-in').hidden = user !== ''
  element('inbox').hidden = user === ''
  element('form').hidden = user === ''
  element('sign-out').hidden = user === ''
  element('sign-out').textContent = `Sign out ${nameOf(user)}`
  element('other').textContent = `Tell ${nameOf(otherOf(user))}`
  if (user !== '') return listen()
  source?.close()
  notices.clear()
  list.replaceChildren()
  tell()
  show('signed out')
}

/** @param {string} user */
const otherOf = user => (user === 'ann' ? 'ben' : 'ann')

/**
 * The answer; nothing, if it was none that one would like.
 *
 * @param {string} address
 * @param {object} body
 */
async function post(address, body) {
  try {
    const answer = await fetch(address, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (answer.ok) return answer
  } catch {
    // The server is away, which `state` says too.
  }
  show('that did not arrive; try again')
  return undefined
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

new EventSource('/ticker').onmessage = ({ data }) => {
  element('tick').textContent = JSON.parse(data).tick.toLocaleString('en')
}
enter((await (await fetch('/session')).json()).user)
