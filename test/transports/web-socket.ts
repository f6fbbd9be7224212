import { WebSocket } from 'ws'
import { toRefused } from './carriers.js'
import { Inbox, type Transport, toHeard, toListening, toTarget } from './transport.js'

/** WebSocket: a message an event object. */
export function webSocket(name: string): Transport {
  return {
    name,
    ...{ conflates: true, breaks: 'kept', showsKey: true },
    ...{ whenFull: 503, whenOver: 4409, whenDrained: 1001 },
    async open(url, ask) {
      const inbox = new Inbox()
      const socket = new WebSocket(url.replace(/^http/, 'ws') + toTarget(ask), { headers: { ...ask.headers } })
      let cursor: string | undefined
      await new Promise<void>((resolve, reject) => {
        socket.on('message', bytes => {
          const event = toHeard(JSON.parse(bytes.toString()))
          cursor = event.id ?? cursor
          if (event.type === '$cursor') resolve()
          else inbox.push(event)
        })
        socket.on('open', () => {
          // The newest of each come before the first `$cursor`.
          if (ask.since === 'latest') resolve()
        })
        socket.on('unexpected-response', (_, response) => {
          const { statusCode: status = 0, headers } = response
          toRefused({ status, headers, body: response }).then(reject, reject)
        })
        socket.on('error', reject)
        socket.on('close', code => {
          inbox.end({ closeCode: code })
          // Of a topic that is over, no `$cursor` comes.
          if (code === 4409) resolve()
          else reject(new Error(`closed with ${code} before anything was heard`))
        })
      })
      return toListening(inbox, {
        cursor: () => cursor,
        pause: () => socket.pause(),
        resume: () => socket.resume(),
        cut: () => socket.terminate(),
      })
    },
  }
}
