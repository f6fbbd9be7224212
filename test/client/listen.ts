import { expect, onTestFinished, vi } from 'vitest'
import {
  type Connection,
  type ConnectOptions,
  connect,
  type ReceivedEvent,
  type StateChange,
} from '../../src/entry/client.js'
import { startHub } from '../http/hub-on-http.js'

/** A hub for the time of a test. */
export async function openHub(...given: Parameters<typeof startHub>) {
  const hub = await startHub(...given)
  onTestFinished(() => hub.close())
  const say = async (topic: string, data: string, others: object = {}) => {
    const [id] = await hub.hub.publish([
      { topic, data, type: '', key: '', eventId: undefined, end: false, ...others } as never,
    ])
    return id as string
  }
  return { ...hub, say }
}

/** A connection that is closed when the test is over, what its handlers heard, and what went wrong. */
export function listen(url: string, options: ConnectOptions = {}, name: '**' | 'message' = '**') {
  const heard: string[] = []
  const events: ReceivedEvent[] = []
  const changes: StateChange[] = []
  const errors: unknown[] = []
  const connection: Connection = connect(url, {
    ...options,
    onState: change => void changes.push(change),
    onError: error => void errors.push(error),
  })
  onTestFinished(() => connection.close())
  connection.on(name, event => {
    heard.push(event.data)
    events.push(event)
  })
  return { connection, heard, events, changes, errors }
}

/** As `vi.waitFor`, for as long as a machine that is busy may take. */
export const eventually: typeof vi.waitFor = (check, options = 10_000) => vi.waitFor(check, options)

export const isOpen = (connection: Pick<Connection, 'state'>) => eventually(() => expect(connection.state).toBe('open'))
