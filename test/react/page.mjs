// What a page is made of that hears by hooks: the same on a server and in a browser.
import { createElement as element, StrictMode, useState } from 'react'
import { useEvents, useLatest } from '../../dist/entry/react.js'

/** @param {{ url: string }} properties */
function List({ url }) {
  const { events, state } = useEvents(url, { topics: ['news', 'price'], limit: 3 })
  return element(
    'div',
    {},
    element('p', { id: 'state' }, state),
    element('ul', {}, ...events.map(({ id, data }) => element('li', { key: id }, data))),
  )
}

/** @param {{ url: string }} properties */
function Price({ url }) {
  const latest = useLatest(url, { topics: ['news', 'price'], name: 'price' })
  return element('p', { id: 'price' }, latest?.data ?? 'none')
}

/** What it hears, how many and for whom changes with clicks. */
export function Changing({ url }) {
  const [topic, setTopic] = useState('news')
  const [limit, setLimit] = useState(3)
  const [user, setUser] = useState('ann')
  // With something in it that cannot be compared.
  const share = { name: user, locks: navigator.locks }
  const { events, state } = useEvents(url, { topics: [topic], limit, share })
  const button = (/** @type {string} */ text, /** @type {() => void} */ onClick) =>
    element('button', { type: 'button', onClick }, text)
  return element(
    StrictMode,
    {},
    button('price', () => setTopic('price')),
    button('more', () => setLimit(9)),
    button('bob', () => setUser('bob')),
    element('p', { id: 'state' }, `${topic} ${user} ${state}`),
    element('ul', {}, ...events.map(({ id, data }) => element('li', { key: id }, data))),
  )
}

/** @param {{ url: string }} properties */
export function Page({ url }) {
  const [isThere, setThere] = useState(true)
  return element(
    StrictMode,
    {},
    element('button', { type: 'button', onClick: () => setThere(!isThere) }, isThere ? 'Leave' : 'Come back'),
    isThere && element(List, { url }),
    isThere && element(Price, { url }),
  )
}
