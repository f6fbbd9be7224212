// What a server makes of a page that hears by hooks.
import { createElement as element } from 'react'
import { renderToString } from 'react-dom/server'
import { useEvents, useLatest } from '../../dist/entry/react.js'
import { Page } from './page.mjs'

/** @param {string} url */
export const renderPage = url => renderToString(element(Page, { url }))

/**
 * What is shown, as text, with this way to ask a server.
 *
 * @param {typeof fetch} fetch
 * @param {object | null} options
 * @param {string} url
 */
export function renderHeard(fetch, options = {}, url = 'http://hub.example/events') {
  const Shown = () => {
    const { events, state } = useEvents(url, options && { fetch, ...options })
    const latest = useLatest(url, { fetch })
    return element('p', {}, `${state} ${events.length} ${latest?.data}`)
  }
  return renderToString(element(Shown))
}
