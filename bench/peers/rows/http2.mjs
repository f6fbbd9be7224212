import { connect } from 'node:http2'
import { parse } from '../hear.mjs'
import { peers } from '../peers.mjs'
import { withPeer } from './row.mjs'

const streams = 200
const withinMs = 10_000

/** @type {import('./row.mjs').Row} */
export const http2 = {
  title: `HTTP/2, ${streams} streams`,
  about: `${streams} streams over one connection, on the server of \`node:http2\`; an event is published over the same connection, and all must hear it.`,
  async try(name, { certificate }) {
    const hears = await withPeer(name, running => hearAll(running.port), { certificate })
    if (hears === streams) return { verdict: 'holds', says: 'all hear', values: { hears } }
    const verdict = peers[name]?.hasHttp2 ? 'breaks' : 'not claimed'
    return { verdict, says: verdict === 'breaks' ? `**${hears} hear**` : 'has none', values: { hears } }
  },
}

/** How many of the streams heard the event. @param {number} port */
async function hearAll(port) {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
  let hears = 0
  let timer
  try {
    await new Promise(resolve => {
      for (const over of ['error', 'close']) session.on(over, resolve)
      timer = setTimeout(resolve, withinMs)
      let open = 0
      for (let i = 0; i < streams; i++) {
        const request = session.request({ ':path': '/events', accept: 'text/event-stream' })
        let text = ''
        let isHeard = false
        request.on('error', resolve)
        request.once('response', ({ ':status': status, 'content-type': type }) => {
          if (status !== 200 || !String(type).startsWith('text/event-stream')) resolve(undefined)
          else if (++open === streams) publish()
        })
        request.setEncoding('utf8').on('data', piece => {
          text += piece
          if (isHeard || !parse(text).some(({ data }) => data.includes('hello'))) return
          isHeard = true
          if (++hears === streams) resolve(undefined)
        })
      }
      function publish() {
        const post = session.request({ ':method': 'POST', ':path': '/events', 'content-type': 'text/plain' })
        post.on('error', resolve)
        post.resume().end('hello')
      }
    })
  } finally {
    clearTimeout(timer)
    session.destroy()
  }
  return hears
}
