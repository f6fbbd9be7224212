// Those who listen: many that only count, and some that decode and check.
import { once } from 'node:events'
import { connect } from 'node:net'

/** Sockets that count what comes. */
export class Readers {
  bytes = 0
  /** How many have been given nothing since `all` was asked for. @type {number} */
  #missing = 0
  /** Of each, in which turn it was last given something. @type {number[]} */
  #last = []
  #turn = 0
  /** @type {(() => void) | undefined} */
  #whenAll
  /** @type {import('node:net').Socket[]} */
  #sockets = []

  /** Opens so many; resolves when all have their first bytes. @param {number} port @param {string} path @param {number} count */
  async open(port, path, count) {
    const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAccept-Encoding: gzip\r\n\r\n`
    this.#last = Array.from({ length: count }, () => 0)
    const heard = this.all()
    for (let i = 0; i < count; i++) {
      const socket = connect({ port, host: '127.0.0.1' })
      this.#sockets.push(socket)
      socket.on('error', error => {
        throw error
      })
      socket.on('data', part => this.#hear(i, part.length))
      socket.write(request)
      if (i % 100 === 99) await once(socket, 'connect')
    }
    await heard
  }

  /** Resolves when each of them was given something from now on. */
  all() {
    this.#turn++
    this.#missing = this.#last.length
    return /** @type {Promise<void>} */ (
      new Promise(resolve => {
        this.#whenAll = resolve
      })
    )
  }

  close() {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** @param {number} reader @param {number} bytes */
  #hear(reader, bytes) {
    this.bytes += bytes
    if (this.#last[reader] === this.#turn) return
    this.#last[reader] = this.#turn
    if (--this.#missing === 0) this.#whenAll?.()
  }
}

/** A reader that decodes. @param {string} url */
export async function openCheck(url) {
  const controller = new AbortController()
  const response = await fetch(url, { signal: controller.signal })
  if (!response.ok || !response.body) throw new Error(`${url} answers ${response.status}`)
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  return {
    /** Resolves when it has heard all of these; rejects if it heard anything else. @param {readonly string[]} said */
    async hears(said) {
      for (;;) {
        const heard = [...text.matchAll(/^data: (.+)\n\n/gm)].map(([, data]) => data)
        for (const [i, data] of heard.entries()) {
          if (data !== said[i]) throw new Error(`number ${i} was ${said[i]}, and is heard as ${data}`)
        }
        if (heard.length === said.length) return
        const { done, value } = await reader.read()
        if (done) throw new Error('a stream has ended')
        text += decoder.decode(value, { stream: true })
      }
    },
    leave: () => controller.abort(),
  }
}
