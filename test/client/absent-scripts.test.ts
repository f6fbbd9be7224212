import { expect, it, vi } from 'vitest'
import { eventually, isOpen, listen, openHub } from './listen.js'

// As where a page is older than what its server has now.
vi.mock('../../src/client/connection/web-socket-transport.js', () => Promise.reject(new Error('gone')))
vi.mock('../../src/client/sharing/seat.js', () => Promise.reject(new Error('gone')))

it.each([
  ['websocket', { transports: ['websocket', 'long-poll'] }, 'long-poll'],
  ['shared', { share: true }, 'event-stream'],
] as const)('where the script of a way is not to be had (%s), the next way is taken', async (way, options, taken) => {
  const { url, say } = await openHub()
  const { connection, heard, changes } = listen(`${url}/events`, { topics: ['news'], ...options })
  await isOpen(connection)
  await say('news', 'one')
  await eventually(() => expect(heard).toEqual(['one']))
  expect(connection.transport).toBe(taken)
  expect(changes[0]?.error?.message).toBe('The script of this way was not loaded.')
  expect(changes.map(({ transport }) => transport)).not.toContain(way)
})
