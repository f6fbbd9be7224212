import { Writable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it, vi } from 'vitest'
import { createLineOutput } from './line-output.js'

/** An output whose reader takes a piece when the test says so. */
function scripted() {
  const taken: string[] = []
  const writes: (() => void)[] = []
  const stream = new Writable({
    highWaterMark: 10,
    decodeStrings: false,
    write(text: string, _, done) {
      writes.push(() => {
        taken.push(text)
        done()
      })
    },
  })
  const handlers = { onFull: vi.fn(), onDrained: vi.fn(), onGone: vi.fn(), onHanded: vi.fn() }
  const output = createLineOutput({ stream, ...handlers })
  const take = async () => {
    writes.shift()?.()
    await nextTurn()
  }
  return { output, stream, taken, take, ...handlers }
}

it('says a cursor only when the text before it was taken, and the one behind nothing then too', async () => {
  const { output, take, onHanded } = scripted()
  output.write('', 'e1-1')
  expect(onHanded.mock.calls).toEqual([['e1-1']])
  output.write('a\n', 'e1-2')
  output.write('b\n', 'e1-3')
  output.write('', 'e1-4')
  await nextTurn()
  expect(onHanded).toHaveBeenCalledOnce()
  await take()
  expect(onHanded.mock.calls.slice(1)).toEqual([['e1-2']])
  await take()
  expect(onHanded.mock.calls.slice(2)).toEqual([['e1-4']])
})

it('says when it is full, and when there is room again', async () => {
  const { output, take, onFull, onDrained } = scripted()
  output.write('short\n', '')
  expect(onFull).not.toHaveBeenCalled()
  output.write('longer\n', '')
  expect(onFull).toHaveBeenCalledOnce()
  await take()
  await take()
  expect(onDrained).toHaveBeenCalledOnce()
})

it('of a reader that is gone, keeps no cursor', async () => {
  const { output, stream, onGone, onHanded } = scripted()
  output.write('a\n', 'e1-1')
  stream.destroy(Object.assign(new Error('broken'), { code: 'EPIPE' }))
  await nextTurn()
  expect(onGone).toHaveBeenCalledOnce()
  expect(await output.flushed(10_000)).toBe(false)
  expect(onHanded).not.toHaveBeenCalled()
})

it('is flushed when all was taken, or gives it up', async () => {
  const { output, take } = scripted()
  expect(await output.flushed(10_000)).toBe(true)
  output.write('a\n', '')
  expect(await output.flushed(1)).toBe(false)
  const flushed = output.flushed(10_000)
  await take()
  expect(await flushed).toBe(true)
})
