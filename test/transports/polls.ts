import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { type Carrier, toRefused } from './carriers.js'
import { type Ask, Inbox, type Listening, type Transport, toHeard, toListening, toTarget } from './transport.js'

interface Page {
  readonly events: readonly Readonly<Record<string, unknown>>[]
  readonly cursor: string
  readonly more: boolean
  readonly gap: object | null
  readonly ended: boolean
}

/** How often somebody asks who does not wait: much oftener than anybody would. */
const pollMs = 10

/** Asks for page after page: at once while there is more, else again after a while. With its tag, so that what brings nothing is a 304. */
export function pages(name: string, carrier: Carrier): Transport {
  return {
    name,
    ...{ conflates: false, breaks: 'kept', showsKey: true },
    ...{ whenFull: 'served', whenOver: 'the end', whenDrained: 'nothing' },
    open: (url, ask) => poll(carrier, url, ask, undefined),
  }
}

/** Asks for page after page, each of which waits for an event. */
export function longPolls(name: string, carrier: Carrier): Transport {
  return {
    name,
    ...{ conflates: false, breaks: 'kept', showsKey: true },
    ...{ whenFull: 503, whenOver: 'the end', whenDrained: 'nothing' },
    open: (url, ask) => poll(carrier, url, ask, '60'),
  }
}

async function poll(carrier: Carrier, url: string, ask: Ask, wait: string | undefined): Promise<Listening> {
  const inbox = new Inbox()
  const line = carrier(url)
  let cursor = ask.lastEventId
  let tag: string | undefined
  let paused: Promise<void> | undefined
  let resume = (): void => undefined

  /** Asks once; resolves to whether there may be more at once. */
  const turn = async (waits: string | undefined): Promise<boolean> => {
    const answered = await line.get(toTarget({ ...ask, lastEventId: cursor }, { wait: waits }), {
      Accept: 'application/json',
      ...(tag !== undefined && { 'If-None-Match': tag }),
      ...ask.headers,
    })
    if (answered.status === 304) {
      answered.body.resume()
      return false
    }
    if (answered.status !== 200) throw await toRefused(answered)
    tag = answered.headers.etag
    const page: Page = JSON.parse(await text(answered.body))
    if (inbox.ending) return false
    cursor = page.cursor
    if (page.gap) inbox.push(toHeard({ type: '$gap', data: JSON.stringify(page.gap) }))
    for (const event of page.events) inbox.push(toHeard(event))
    if (page.ended) {
      inbox.push(toHeard({ type: '$end' }))
      inbox.end()
    }
    return page.more || page.events.length > 0
  }

  const goOn = async (isMore: boolean): Promise<void> => {
    for (let more = isMore; !inbox.ending; more = await turn(wait)) {
      if (!more && wait === undefined) await delay(pollMs)
      await paused
    }
  }

  try {
    const isMore = await turn(undefined)
    void goOn(isMore)
      .catch(error => inbox.fail(error))
      .finally(() => line.cut())
  } catch (error) {
    line.cut()
    throw error
  }
  return toListening(inbox, {
    cursor: () => cursor,
    pause() {
      paused ??= new Promise(resolve => {
        resume = resolve
      })
    },
    resume() {
      paused = undefined
      resume()
    },
    cut: () => line.cut(),
  })
}
