import { createParser } from '../../src/wire/parse.js'
import { type Answered, type Carrier, toRefused } from './carriers.js'
import {
  type Heard,
  Inbox,
  type Listening,
  Refused,
  type Transport,
  toHeard,
  toListening,
  toTarget,
} from './transport.js'

/** What comes over a stream, whatever it is written in. */
interface Reader {
  push(bytes: Uint8Array): void
}

interface ReaderEvents {
  onEvent(event: Heard): void
  onRetry(ms: number): void
  onComment(text: string): void
}

/** An event stream, plain or with each event in an envelope. */
export function eventStream(
  name: string,
  carrier: Carrier,
  { isEnveloped = false }: { readonly isEnveloped?: boolean } = {},
): Transport {
  return {
    name,
    ...{ conflates: true, breaks: isEnveloped ? 'kept' : 'as LF', showsKey: isEnveloped },
    ...{ whenFull: 'told to come again', whenOver: 204, whenDrained: 'retry' },
    async open(url, ask) {
      const [only] = ask.topics.length === 1 ? ask.topics : []
      const target = toTarget(ask, { envelope: isEnveloped ? '1' : undefined })
      return listen(carrier, url, target, 'text/event-stream', ask, events =>
        createParser({
          onEvent: ({ type, data, id, topic }) => {
            const isOwn = type.startsWith('$')
            if (isEnveloped && !isOwn) return events.onEvent(toHeard(JSON.parse(data)))
            events.onEvent({
              id: id || undefined,
              topic: isOwn ? undefined : topic || only,
              type: type === 'message' ? '' : type,
              key: undefined,
              data,
            })
          },
          onRetry: ms => events.onRetry(ms),
          onComment: text => events.onComment(text),
        }),
      )
    },
  }
}

/** A stream of event objects, one a line. */
export function lineStream(name: string, carrier: Carrier): Transport {
  return {
    name,
    ...{ conflates: true, breaks: 'kept', showsKey: true },
    ...{ whenFull: 503, whenOver: 204, whenDrained: 'nothing' },
    open: (url, ask) =>
      listen(carrier, url, toTarget(ask), 'application/x-ndjson', ask, events => {
        let rest = Buffer.alloc(0)
        return {
          push(bytes) {
            rest = Buffer.concat([rest, bytes])
            for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
              events.onEvent(toHeard(JSON.parse(rest.subarray(0, end).toString())))
              rest = rest.subarray(end + 1)
            }
          },
        }
      }),
  }
}

/** Asks, and resolves when the stream has begun: with its first `$cursor`, or with its head, where the newest of each come before that. */
async function listen(
  carrier: Carrier,
  url: string,
  target: string,
  accept: string,
  ask: { readonly since?: string | undefined; readonly headers?: Readonly<Record<string, string>> },
  createReader: (events: ReaderEvents) => Reader,
): Promise<Listening> {
  const inbox = new Inbox()
  const line = carrier(url)
  let cursor: string | undefined
  let retryMs: number | undefined
  let comment: string | undefined
  let answered: Answered
  try {
    answered = await line.get(target, { Accept: accept, ...ask.headers })
    if (answered.status !== 200) throw await toRefused(answered)
  } catch (error) {
    line.cut()
    throw error
  }
  const { body } = answered
  await new Promise<void>((resolve, reject) => {
    if (ask.since === 'latest') resolve()
    const reader = createReader({
      onEvent(event) {
        cursor = event.id ?? cursor
        if (event.type === '$cursor') return resolve()
        inbox.push(event)
      },
      onRetry(ms) {
        retryMs = ms
      },
      onComment(said) {
        comment = said
      },
    })
    body.on('data', (bytes: Uint8Array) => {
      if (!inbox.ending) reader.push(bytes)
    })
    const over = (): void => {
      line.cut()
      inbox.end({ retryMs })
      reject(new Refused(200, comment?.split(':')[0]?.trim(), retryMs))
    }
    body.on('end', over)
    body.on('error', over)
    body.on('close', over)
  })
  return toListening(inbox, {
    cursor: () => cursor,
    pause: () => void body.pause(),
    resume: () => void body.resume(),
    cut: () => line.cut(),
  })
}
