import { describe, expect, it, vi } from 'vitest'
import { createLogStream, maxWaitingBytes } from './log-stream.js'

/** A descriptor that takes what it is told to take. */
function fakeDescriptor() {
  const faults: { code: string | undefined; room: number } = { code: undefined, room: Number.POSITIVE_INFINITY }
  let text = ''
  return {
    faults,
    text: () => text,
    lines: () => text.split('\n').filter(line => line !== ''),
    write(bytes: Uint8Array): number {
      if (faults.code) throw Object.assign(new Error(faults.code), { code: faults.code })
      const taken = Math.min(bytes.length, faults.room)
      if (taken === 0) throw Object.assign(new Error('EAGAIN'), { code: 'EAGAIN' })
      faults.room -= taken
      text += Buffer.from(bytes.subarray(0, taken)).toString()
      return taken
    },
  }
}

const open = () => {
  const descriptor = fakeDescriptor()
  return { descriptor, stream: createLogStream({ write: descriptor.write, lossLine: lines => `lost ${lines}\n` }) }
}

describe('a log stream', () => {
  it('writes each line at once', () => {
    const { descriptor, stream } = open()
    stream.write('one\n')
    stream.write('two\n')
    expect(descriptor.text()).toBe('one\ntwo\n')
  })

  it('keeps lines for a reader that stands still, in their order, and writes them when it reads on', async () => {
    const { descriptor, stream } = open()
    descriptor.faults.room = 6
    for (const line of ['one\n', 'two\n', 'three\n']) stream.write(line)
    expect(descriptor.text()).toBe('one\ntw')
    descriptor.faults.room = Number.POSITIVE_INFINITY
    await vi.waitFor(() => expect(descriptor.text()).toBe('one\ntwo\nthree\n'))
  })

  it('keeps no more than a bounded amount for it, and says how many lines it lost', () => {
    const { descriptor, stream } = open()
    descriptor.faults.room = 0
    const line = `${'x'.repeat(1023)}\n`
    for (let i = 0; i < 2 * (maxWaitingBytes / line.length); i++) stream.write(line)
    descriptor.faults.room = Number.POSITIVE_INFINITY
    stream.write('at last\n')
    const lines = descriptor.lines()
    const kept = lines.length - 2
    expect(kept * line.length).toBeLessThanOrEqual(maxWaitingBytes)
    expect(lines.slice(-2)).toEqual([`lost ${2 * (maxWaitingBytes / line.length) - kept}`, 'at last'])
  })

  it.each(['EPIPE', 'ENOSPC', 'EIO'])('lives with %s, and says later what was lost', code => {
    const { descriptor, stream } = open()
    stream.write('one\n')
    descriptor.faults.code = code
    for (const line of ['two\n', 'three\n', 'four\n']) stream.write(line)
    descriptor.faults.code = undefined
    stream.write('five\n')
    stream.write('six\n')
    expect(descriptor.lines()).toEqual(['one', 'lost 3', 'five', 'six'])
  })

  it('begins anew after a line that was cut short', () => {
    const { descriptor, stream } = open()
    descriptor.faults.room = 2
    stream.write('one\n')
    descriptor.faults.code = 'ENOSPC'
    stream.write('two\n')
    descriptor.faults.code = undefined
    descriptor.faults.room = Number.POSITIVE_INFINITY
    stream.write('three\n')
    expect(descriptor.text()).toBe('on\nlost 2\nthree\n')
  })

  it('begins on a line of its own where somebody else may have left one open', () => {
    const { descriptor, stream } = open()
    stream.write('one\n')
    descriptor.write(Buffer.from('elsewhere'))
    stream.interrupted()
    stream.write('two\n')
    stream.write('three\n')
    expect(descriptor.text()).toBe('one\nelsewhere\ntwo\nthree\n')
  })

  it('writes what waits when the process ends, and does not wait for ever for who never reads', () => {
    const { descriptor, stream } = open()
    descriptor.faults.room = 0
    stream.write('one\n')
    stream.flush()
    expect(descriptor.text()).toBe('')
    descriptor.faults.room = Number.POSITIVE_INFINITY
    stream.flush()
    expect(descriptor.text()).toBe('one\n')
  })
})
