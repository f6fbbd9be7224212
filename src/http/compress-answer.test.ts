import { gunzipSync } from 'node:zlib'
import { expect, test, vi } from 'vitest'
import { inCoding } from './compress-answer.js'

let isFailing = false
vi.mock(import('node:zlib'), async original => {
  const zlib = await original()
  const gzip = (text: string, call: (error: Error | null, made: Buffer) => void): void => {
    if (isFailing) setImmediate(() => call(new Error('no memory'), Buffer.alloc(0)))
    else zlib.gzip(text, call)
  }
  return { ...zlib, gzip: gzip as typeof zlib.gzip }
})

test('an answer goes as it is where it cannot be compressed, and the next one is tried again', async () => {
  const answer = { status: 200, headers: {}, body: 'the same text '.repeat(1000) }
  isFailing = true
  expect(await Promise.all([inCoding(answer, 'gzip'), inCoding(answer, 'gzip')])).toEqual([answer, answer])
  isFailing = false
  const { headers, body } = await inCoding(answer, 'gzip')
  expect(headers).toEqual({ 'Content-Encoding': 'gzip' })
  expect(gunzipSync(body).toString()).toBe(answer.body)
})
