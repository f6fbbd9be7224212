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
