// A server that breaks what the generator is there to notice: for one connection of four, in every tenth event. The topic says how:
// /events/none, drop, drop-last, repeat, swap, shorten, forge, gap, cut. Usage: node faulty.mjs PORT
import { createServer } from 'node:http'

/** Behind the last event nothing comes that would show what is missing. */
const lastEvent = 30

class FaultyTopic {
  /** @type {import('node:http').ServerResponse[]} */
  #clients = []
  #fault
  #said = 0
  #held = ''

  /** @param {string} fault */
  constructor(fault) {
    this.#fault = fault
  }

  /** @param {import('node:http').ServerResponse} client */
  subscribe(client) {
    client.writeHead(200, { 'Content-Type': 'text/event-stream' })
    // Split in the middle of a line: a reader must not depend on where pieces end.
    for (const piece of ['id: 1-1\nevent: $cursor\nda', 'ta:\n\n: wel', 'come\r\n\r\n']) client.write(piece)
    this.#clients.push(client)
  }

  /** @param {string} data */
  publish(data) {
    const isTenth = ++this.#said % 10 === 0
    const frame = `data: ${data}\n\n`
    const wrong = this.#broken(frame, isTenth)
    for (const [at, client] of this.#clients.entries()) {
      const bytes = at % 4 === 3 ? wrong : frame
      const middle = (this.#said * 7) % (bytes.length + 1)
      client.write(bytes.slice(0, middle))
      client.write(bytes.slice(middle))
    }
    if (this.#fault === 'cut' && isTenth) this.#clients.splice(3, 1)[0]?.destroy()
  }

  /** What the unlucky hear in the place of a frame. @param {string} frame @param {boolean} isTenth */
  #broken(frame, isTenth) {
    if (this.#held !== '') {
      const both = frame + this.#held
      this.#held = ''
      return both
    }
    if (!isTenth) return frame
    switch (this.#fault) {
      case 'drop':
        return ''
      case 'drop-last':
        return this.#said === lastEvent ? '' : frame
      case 'repeat':
        return frame + frame
      case 'swap':
        this.#held = this.#said === lastEvent ? '' : frame
        return this.#held === '' ? frame : ''
      case 'shorten':
        return `${frame.slice(0, -3)}\n\n`
      case 'forge':
        return `${frame}data: nobody said this\n\n`
      case 'gap':
        return `event: $gap\ndata: {"reason":"trimmed"}\n\n${frame}`
      default:
        return frame
    }
  }
}

/** @type {Map<string, FaultyTopic>} */
const topics = new Map()

createServer((req, res) => {
  const name = req.url?.split('/').pop() ?? 'none'
  const topic = topics.get(name) ?? new FaultyTopic(name)
  topics.set(name, topic)
  if (req.method === 'GET') {
    topic.subscribe(res)
    return
  }
  let body = ''
  req.setEncoding('utf8')
  req.on('data', piece => {
    body += piece
  })
  req.on('end', () => {
    topic.publish(body)
    res.writeHead(204).end()
  })
}).listen(Number(process.argv[2]), '127.0.0.1')
