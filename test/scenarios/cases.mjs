import { eventsOf, isOver } from './tools.mjs'

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {'browser'} [where] only there
 * @property {(tools: import('./tools.mjs').Tools) => Promise<unknown>} run says what it has observed
 * @property {unknown} expected
 */

const retrySoon = { chunks: ['retry: 10\n\n'] }

/**
 * Every stream of the conformance suite, cut in three ways, and the id with which its reader comes back.
 *
 * @param {{ name: string, stream: number[], events: string[][], retries: number[], lastEventId: string }[]} vectors
 * @returns {Case[]}
 */
export function formatCases(vectors) {
  return vectors.map(({ name, stream, events, retries, lastEventId }) => ({
    name: `format: ${name}`,
    expected: { whole: events, bytes: events, sevens: events, lastEventId },
    async run({ EventSource, script, hear, hearOnce }) {
      const types = events.map(([type = '']) => type)
      const chunked = async (/** @type {number} */ size) => {
        const { url } = await script({ chunks: cutEvery(stream, size) })
        return eventsOf(await hearOnce(url, types))
      }
      // A time of its own would make the reader wait for it.
      const resumed = await script(retrySoon, retries.length > 0 ? {} : { chunks: [stream] })
      await hear(new EventSource(resumed.url), { types })
      const [, , third] = await resumed.requests({ requests: 3 })
      return {
        whole: await chunked(stream.length + 1),
        bytes: await chunked(1),
        sevens: await chunked(7),
        lastEventId: retries.length > 0 ? lastEventId : (third?.headers['last-event-id'] ?? ''),
      }
    },
  }))
}

/** @param {number[]} bytes @param {number} size */
function cutEvery(bytes, size) {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.slice(at * size, (at + 1) * size))
}

const short = new TextEncoder().encode('retry: 11\n\n: c\r\nid: 7\ndata: a\ndata: b\r\n\r\nid: é\rdata: c\r\r')
/** So many bytes hold the first event. (17: those of the second one; 1: the LF that ends with the CR before it.) */
const afterSeven = short.length - 16 - 1

/** @type {Case[]} */
const cuts = [
  {
    name: 'cut at every byte of a short stream',
    async run({ EventSource, script, hear }) {
      return await Promise.all(
        Array.from({ length: short.length + 1 }, async (_, at) => {
          const made = await script(retrySoon, { chunks: [[...short.slice(0, at)]], framing: 'close' })
          const heard = await hear(new EventSource(made.url))
          const [, , third] = await made.requests()
          return [at, heard.length, ...eventsOf(heard), third?.headers['last-event-id'] ?? '']
        }),
      )
    },
    // Opened and lost twice each, and then closed; and the events that were complete.
    expected: Array.from({ length: short.length + 1 }, (_, at) => {
      if (at < afterSeven) return [at, 5, '']
      const first = ['message', 'a\nb', '7']
      if (at < short.length) return [at, 6, first, '7']
      return [at, 7, first, ['message', 'c', 'é'], '\xc3\xa9']
    }),
  },
]

const opened = ['open', ['message', 'x', ''], 'error 0']
const refused = ['error 2']

/** @param {number} status @returns {Case} */
const statusCase = status => ({
  name: `status ${status} closes it for good`,
  async run({ hearOnce, script }) {
    const body = status === 204 || status === 304 ? {} : { chunks: ['data: x\n\n'] }
    const made = await script({ status, ...body }, { chunks: ['data: x\n\n'] })
    const heard = await hearOnce(made.url)
    return { heard, requests: (await made.requests()).length }
  },
  expected: { heard: refused, requests: 1 },
})

/** @param {string} type @param {unknown} expected @returns {Case} */
const typeCase = (type, expected) => ({
  name: `type ${type || 'none'} is ${expected === opened ? '' : 'not '}that of a stream`,
  async run({ hearOnce, script }) {
    return await hearOnce((await script({ headers: { 'Content-Type': type }, chunks: ['data: x\n\n'] })).url)
  },
  expected,
})

/** @type {Case[]} */
const answers = [
  ...[201, 202, 204, 206, 304, 400, 401, 403, 404, 408, 410, 418, 429, 500, 502, 503, 504].map(statusCase),
  typeCase('text/event-stream', opened),
  typeCase('TEXT/Event-Stream', opened),
  typeCase('text/event-stream; charset=utf-8', opened),
  typeCase('text/event-stream;charset=UTF-8; x="a, b"', opened),
  typeCase('text/event-stream; charset=iso-8859-1', opened),
  typeCase('text/event-stream;', opened),
  typeCase('text/plain', refused),
  typeCase('text/event-streams', refused),
  typeCase('application/json', refused),
  typeCase('', refused),
  {
    name: 'an answer without a body opens it, and is over',
    async run({ hearOnce, script }) {
      return await hearOnce((await script({})).url)
    },
    expected: ['open', 'error 0'],
  },
  {
    name: 'it opens before there is a first byte',
    async run({ EventSource, hear, script }) {
      const { url } = await script({ end: 'hold' })
      return await hear(new EventSource(url), { isEnough: heard => heard.includes('open') })
    },
    expected: ['open'],
  },
  {
    name: 'what it asks with',
    async run({ hearOnce, script }) {
      const made = await script({})
      await hearOnce(made.url)
      const [request] = await made.requests()
      return [request?.method, request?.headers['accept'], request?.headers['last-event-id'] ?? null]
    },
    expected: ['GET', 'text/event-stream', null],
  },
  {
    name: 'it asks past the cache',
    where: 'browser',
    async run({ EventSource, hear, script }) {
      const kept = { headers: { 'Cache-Control': 'max-age=3600' }, chunks: ['retry: 10\ndata: x\n\n'] }
      const made = await script(kept, kept)
      await hear(new EventSource(made.url))
      return (await made.requests()).length
    },
    expected: 3,
  },
  ...[301, 302, 303, 307, 308].map(status => ({
    name: `it follows ${status}, and asks at the first place again`,
    /** @param {import('./tools.mjs').Tools} tools */
    async run({ EventSource, hear, script, origin }) {
      const to = await script(retrySoon)
      const made = await script({ status, headers: { Location: to.url } })
      const source = new EventSource(made.url)
      const heard = await hear(source)
      const origins = (await to.requests()).length
      return { heard, origins, isOwn: source.url === made.url && made.url.startsWith(origin) }
    },
    expected: { heard: ['open', 'error 0', 'error 2'], origins: 1, isOwn: true },
  })),
  {
    name: 'the origin of an event is that of the last place of redirects',
    async run({ EventSource, script, origin, other }) {
      const to = await script({ chunks: ['data: x\n\n'] })
      const made = await script({ status: 302, headers: { Location: to.otherUrl } })
      const source = new EventSource(made.url)
      const origins = await new Promise(resolve => {
        source.onmessage = event => resolve(event.origin)
        source.onerror = () => resolve('error')
      })
      source.close()
      return [origin, other].indexOf(origins)
    },
    expected: 1,
  },
  {
    name: 'redirects without an end are no stream',
    async run({ EventSource, script }) {
      const made = await script(...Array.from({ length: 60 }, () => ({ status: 302, headers: { Location: '?again' } })))
      const source = new EventSource(made.url)
      await new Promise(resolve => {
        source.onerror = resolve
      })
      const state = source.readyState
      source.close()
      return state
    },
    expected: 0,
  },
]

const soon = { chunks: ['retry: 10\ndata: x\n\n'] }

/** @type {Case[]} */
const origins = [
  {
    name: 'another origin that allows it',
    async run({ hearOnce, script }) {
      return await hearOnce((await script({ chunks: ['data: x\n\n'] })).otherUrl)
    },
    expected: opened,
  },
  {
    name: 'another origin that does not allow it',
    where: 'browser',
    async run({ hearOnce, script }) {
      return await hearOnce((await script({ chunks: ['data: x\n\n'], cors: 'none' })).otherUrl)
    },
    expected: ['error 0'],
  },
  ...[false, true].map(withCredentials => ({
    name: `cookies ${withCredentials ? 'go to another origin if asked for' : 'stay at home'}`,
    where: /** @type {const} */ ('browser'),
    /** @param {import('./tools.mjs').Tools} tools */
    async run({ EventSource, hear, script }) {
      // biome-ignore lint/suspicious/noDocumentCookie: in every browser, and at once.
      document.cookie = 'taste=sweet; path=/'
      const answer = /** @type {const} */ ({ ...soon, cors: 'credentials' })
      const made = await script(answer, answer)
      const at = async (/** @type {string} */ url) => {
        const source = new EventSource(url, { withCredentials })
        const heard = await hear(source, { isEnough: isOver })
        return [source.withCredentials, eventsOf(heard).length]
      }
      const said = [await at(made.url), await at(made.otherUrl)]
      return [...said, ...(await made.requests()).map(({ headers }) => headers['cookie'] ?? null)]
    },
    expected: [[withCredentials, 1], [withCredentials, 1], 'taste=sweet', withCredentials ? 'taste=sweet' : null],
  })),
  {
    name: 'cookies need to be allowed by name',
    where: 'browser',
    async run({ EventSource, hear, script }) {
      const { otherUrl } = await script({ chunks: ['data: x\n\n'], cors: '*' })
      return await hear(new EventSource(otherUrl, { withCredentials: true }), { isEnough: isOver })
    },
    expected: ['error 0'],
  },
  {
    name: 'the last id at another origin',
    async run({ EventSource, hear, script }) {
      const made = await script({ chunks: ['retry: 10\nid: 5\ndata: x\n\n'] })
      await hear(new EventSource(made.otherUrl))
      const [, second] = await made.requests()
      return second?.headers['last-event-id']
    },
    expected: '5',
  },
  {
    name: 'other origins are asked whether they take the last id',
    where: 'browser',
    async run({ EventSource, hear, script }) {
      const made = await script({ chunks: ['retry: 10\nid: 5\ndata: x\n\n'] })
      await hear(new EventSource(made.otherUrl))
      return await made.preflights()
    },
    expected: 1,
  },
]

/** @type {Case[]} */
const comingBack = [
  {
    name: 'it comes back after the end of a body, however it is delimited',
    async run({ EventSource, hear, script }) {
      return await hear(new EventSource((await script(soon, { ...soon, framing: 'close' })).url))
    },
    expected: [...opened, ...opened, 'error 2'],
  },
  {
    name: 'it comes back when the connection is cut in a body',
    async run({ EventSource, hear, script }) {
      const made = await script({ ...soon, end: 'hold' })
      const source = new EventSource(made.url)
      // `fetch` drops what was not read yet when a connection breaks.
      source.addEventListener('message', made.cut)
      return await hear(source)
    },
    expected: [...opened, 'error 2'],
  },
  {
    name: 'it comes back where nobody listened',
    async run({ EventSource }) {
      const source = new EventSource('http://127.0.0.1:9')
      const state = await new Promise(resolve => {
        source.onerror = () => resolve(source.readyState)
      })
      source.close()
      return state
    },
    // Firefox and Chromium refuse the port itself, the others find nobody there.
    expected: 0,
  },
  {
    name: 'it waits as long as the stream has said',
    async run({ EventSource, hear, script }) {
      const made = await script({ chunks: ['retry: 700\n\n'] }, {}, { chunks: ['retry: 10\n\n'] })
      await hear(new EventSource(made.url))
      const [first, second, third] = await made.requests()
      // The time holds over streams that say none. (5: the clocks of two programs.)
      const waits = [(second?.atMs ?? 0) - (first?.atMs ?? 0), (third?.atMs ?? 0) - (second?.atMs ?? 0)]
      return waits.map(ms => ms >= 695 && ms < 2500)
    },
    expected: [true, true],
  },
  {
    name: 'the last id is sticky over streams',
    async run({ EventSource, hear, script }) {
      const first = { chunks: ['retry: 10\nid: 1\ndata: a\n\n'] }
      const made = await script(first, { chunks: ['data: b\n\nid: 2\n'] }, { chunks: ['id\ndata: c\n\n'] }, {})
      const heard = eventsOf(await hear(new EventSource(made.url)))
      return [heard, (await made.requests()).map(({ headers }) => headers['last-event-id'] ?? null)]
    },
    expected: [
      [
        ['message', 'a', '1'],
        ['message', 'b', '1'],
        ['message', 'c', ''],
      ],
      [null, '1', '1', null, null],
    ],
  },
  {
    name: 'a last id with control characters is left out',
    async run({ EventSource, hear, script }) {
      const made = await script({ chunks: ['retry: 10\nid: a\x01b\ndata: x\n\n'] })
      const heard = await hear(new EventSource(made.url), { isEnough: heard => heard.at(-1) === 'error 2' })
      return [heard.at(-1), (await made.requests()).map(({ headers }) => headers['last-event-id'] ?? null)]
    },
    expected: ['error 2', [null, null]],
  },
  {
    name: 'its states, as they are heard',
    async run({ EventSource, script }) {
      const { url } = await script(soon)
      const source = new EventSource(url)
      const states = [source.readyState]
      await new Promise(resolve => {
        source.onopen = source.onmessage = () => states.push(source.readyState)
        source.onerror = () => {
          states.push(source.readyState)
          if (source.readyState === EventSource.CLOSED) resolve(undefined)
        }
      })
      return states
    },
    expected: [0, 1, 1, 0, 2],
  },
]

/** @type {import('./tools.mjs').Answer} */
const held = { chunks: ['data: a\n\ndata: b\n\ndata: c\n\n'], end: 'hold' }

/** @type {Case[]} */
const closing = [
  {
    name: 'closed in a handler, it stops in the middle of the chunk, and leaves',
    async run({ EventSource, script }) {
      const made = await script(held)
      const source = new EventSource(made.url)
      /** @type {string[]} */
      const heard = []
      await new Promise(resolve => {
        source.onmessage = ({ data }) => {
          heard.push(data)
          if (data === 'b') {
            source.close()
            resolve(undefined)
          }
        }
      })
      await made.requests({ closed: 1 })
      return [...heard, source.readyState]
    },
    expected: ['a', 'b', 2],
  },
  {
    name: 'closed when it opens, it hears nothing',
    async run({ EventSource, script }) {
      const made = await script(held)
      const source = new EventSource(made.url)
      /** @type {string[]} */
      const heard = []
      await new Promise(resolve => {
        source.onmessage = ({ data }) => heard.push(data)
        source.onopen = () => {
          source.close()
          resolve(undefined)
        }
      })
      await made.requests({ closed: 1 })
      return [...heard, source.readyState]
    },
    expected: [2],
  },
  {
    name: 'closed at an error, it does not come back',
    async run({ EventSource, hear, script }) {
      const made = await script(soon)
      await hear(new EventSource(made.url), { isEnough: isOver })
      // Another one that comes back meanwhile would be the second.
      await hear(new EventSource((await script(soon)).url))
      return (await made.requests()).length
    },
    expected: 1,
  },
  {
    name: 'closed at once, and twice, it says nothing',
    async run({ EventSource, hear, script }) {
      const made = await script(soon)
      const source = new EventSource(made.url)
      let heard = 0
      source.onopen = source.onmessage = source.onerror = () => heard++
      source.close()
      source.close()
      await hear(new EventSource((await script(soon)).url))
      return [heard, source.readyState]
    },
    expected: [0, 2],
  },
]

/** @type {Case[]} */
const amounts = [
  {
    name: '10,000 events in a burst',
    async run({ EventSource, script }) {
      const stream = Array.from({ length: 10_000 }, (_, at) => `id: ${at}\ndata: ${at}\n\n`).join('')
      const source = new EventSource((await script({ chunks: [stream] })).url)
      let next = 0
      await new Promise(resolve => {
        source.onmessage = ({ data, lastEventId }) => {
          if (data === `${next}` && lastEventId === data) next++
        }
        source.onerror = resolve
      })
      source.close()
      return next
    },
    expected: 10_000,
  },
  {
    name: 'who waits for one event after another hears all of a burst',
    async run({ EventSource, script }) {
      const source = new EventSource((await script(held)).url)
      const heard = []
      for (let i = 0; i < 3; i++) {
        /** @type {MessageEvent} */
        const event = await new Promise(resolve => {
          source.addEventListener('message', resolve, { once: true })
        })
        heard.push(event.data)
      }
      source.close()
      return heard
    },
    expected: ['a', 'b', 'c'],
  },
  {
    name: 'an event of a mebibyte, in lines',
    async run({ EventSource, script }) {
      const line = `${'한글 '.repeat(100)}x`
      const chunk = `data: ${line}\n`.repeat(1024)
      const source = new EventSource((await script({ chunks: [chunk, '\n'] })).url)
      const data = await new Promise(resolve => {
        source.onmessage = event => resolve(event.data)
      })
      source.close()
      return data === Array.from({ length: 1024 }, () => line).join('\n')
    },
    expected: true,
  },
]

/** @param {() => void} attempt @returns {unknown} */
function errorOf(attempt) {
  try {
    attempt()
  } catch (error) {
    return error
  }
}

/** @type {Case[]} */
const ofTheInterface = [
  {
    name: 'constants and attributes',
    async run({ EventSource, script }) {
      const { url } = await script(held)
      const source = new EventSource(url)
      source.close()
      const { prototype } = EventSource
      const describe = (/** @type {object} */ of, /** @type {string} */ name) => {
        const found = Object.getOwnPropertyDescriptor(of, name)
        return `${name} ${found?.writable} ${found?.enumerable} ${found?.configurable}`
      }
      return [
        [EventSource.CONNECTING, EventSource.OPEN, EventSource.CLOSED, EventSource.length, EventSource.name],
        [source.CONNECTING, source.OPEN, source.CLOSED, String(source), source instanceof EventTarget],
        [source.url === url, source.withCredentials, source.onopen, source.onmessage, source.onerror],
        [describe(EventSource, 'OPEN'), describe(prototype, 'OPEN'), describe(prototype, 'close')],
        ['url', 'readyState', 'onmessage'].map(name => describe(prototype, name)),
        Object.keys(source),
      ]
    },
    expected: [
      [0, 1, 2, 1, 'EventSource'],
      [0, 1, 2, '[object EventSource]', true],
      [true, false, null, null, null],
      ['OPEN false true false', 'OPEN false true false', 'close true true true'],
      ['url undefined true true', 'readyState undefined true true', 'onmessage undefined true true'],
      [],
    ],
  },
  {
    name: 'what is no URL',
    async run({ EventSource }) {
      return ['http://a:b/', 'http://'].map(url => {
        const error = errorOf(() => new EventSource(url))
        return error instanceof DOMException && [error.name, error.code]
      })
    },
    expected: [
      ['SyntaxError', 12],
      ['SyntaxError', 12],
    ],
  },
  {
    name: 'arguments that are missing, or of another kind',
    async run({ EventSource, origin }) {
      /** @type {any} */
      const Any = EventSource
      const makers = [() => new Any(), () => new Any(origin, 5), () => Any(origin)]
      return makers.map(make => errorOf(make) instanceof TypeError)
    },
    expected: [true, true, true],
  },
  {
    name: 'arguments that are converted',
    async run({ EventSource, script }) {
      const { url } = await script(held)
      /** @type {any} */
      const Any = EventSource
      return [null, undefined, {}, { withCredentials: 1 }, () => undefined].map(init => {
        const source = new Any(new URL(`${url}#here`), init)
        source.close()
        return [source.url === `${url}#here`, source.withCredentials]
      })
    },
    expected: [
      [true, false],
      [true, false],
      [true, false],
      [true, true],
      [true, false],
    ],
  },
  {
    name: 'a URL of the page',
    where: 'browser',
    async run({ EventSource, script }) {
      const base = document.head.appendChild(document.createElement('base'))
      const { url } = await script(held)
      try {
        base.href = '/below/this'
        const sources = ['', '?a=ä', '../x y'].map(given => new EventSource(given))
        for (const source of sources) source.close()
        return sources.map(source => source.url.replace(new URL(url).origin, ''))
      } finally {
        base.remove()
      }
    },
    expected: ['/below/this', '/below/this?a=%C3%A4', '/x%20y'],
  },
  {
    name: 'handlers have the places of their first values among the listeners',
    async run({ EventSource, script }) {
      /** @type {any} */
      const source = new EventSource((await script(held)).url)
      /** @type {unknown[]} */
      const called = []
      const note = (/** @type {string} */ name) => () => called.push(name)
      source.onmessage = note('first')
      source.addEventListener('message', note('listener'))
      source.onmessage = 5
      called.push(source.onmessage)
      source.onmessage = note('again')
      source.addEventListener('message', note('last'))
      const changed = note('changed')
      source.onmessage = changed
      called.push(source.onmessage === changed)
      const silent = { handleEvent: note('never') }
      source.onopen = silent
      called.push(source.onopen === silent)
      await new Promise(resolve => {
        source.addEventListener('message', resolve, { once: true })
      })
      source.close()
      return called
    },
    expected: [null, true, true, 'listener', 'changed', 'last'],
  },
  {
    name: 'what an event is',
    async run({ EventSource, script }) {
      const { url } = await script({ chunks: ['event: trade\nid: 4\ndata: x\n\n'], end: 'hold' })
      const source = new EventSource(url)
      /** @type {MessageEvent} */
      const event = await new Promise(resolve => {
        source.addEventListener('trade', resolve)
      })
      source.close()
      const { type, data, lastEventId, bubbles, cancelable, target } = event
      return [event instanceof MessageEvent, type, data, lastEventId, bubbles, cancelable, target === source]
    },
    expected: [true, 'trade', 'x', '4', false, false, true],
  },
  {
    name: 'its own events are trusted',
    async run({ EventSource, script }) {
      const source = new EventSource((await script(held)).url)
      const event = await new Promise(resolve => {
        source.onopen = resolve
      })
      source.close()
      return event.isTrusted
    },
    expected: false,
  },
]

/** @type {readonly Case[]} */
export const cases = [...cuts, ...answers, ...origins, ...comingBack, ...closing, ...amounts, ...ofTheInterface]
