import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openCursorFile } from './cursor-file.js'

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'tidings-cursor-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

it('keeps the newest of many, and nothing beside it', async () => {
  const path = join(await folder(), 'cursor')
  const file = await openCursorFile(path, vi.fn())
  expect(file.cursor).toBe('')
  for (let i = 1; i <= 1000; i++) file.save(`e1-${i}`)
  expect(await file.settled()).toBe(true)
  expect(await readFile(path, 'utf8')).toBe('e1-1000\n')
  expect(await readdir(join(path, '..'))).toEqual(['cursor'])
  expect((await openCursorFile(path, vi.fn())).cursor).toBe('e1-1000')
})

it('has one cursor or another at any time', async () => {
  const path = join(await folder(), 'cursor')
  const file = await openCursorFile(path, vi.fn())
  file.save('e1-0')
  await vi.waitFor(() => readFile(path))
  for (let i = 1; i < 500; i++) {
    file.save(`e1-${i}`)
    expect(await readFile(path, 'utf8')).toMatch(/^e1-\d+\n$/)
  }
  await file.settled()
})

it('tells once of what goes wrong, and goes on when it can', async () => {
  const parent = join(await folder(), 'later')
  const path = join(parent, 'cursor')
  const tell = vi.fn()
  const file = await openCursorFile(path, tell)
  file.save('e1-1')
  expect(await file.settled()).toBe(false)
  file.save('e1-2')
  expect(await file.settled()).toBe(false)
  expect(tell.mock.calls).toEqual([[expect.stringMatching(/^The cursor cannot be kept: ENOENT/)]])
  await mkdir(parent)
  file.save('e1-3')
  expect(await file.settled()).toBe(true)
  expect(await readFile(path, 'utf8')).toBe('e1-3\n')
})

it.each([
  ['', 'is empty'],
  ['some text', 'holds no cursor'],
  ['e1-1 e1-2', 'holds no cursor'],
  ['\0\0\0\0', 'holds no cursor'],
])('refuses %j', async (text, message) => {
  const path = join(await folder(), 'cursor')
  await writeFile(path, text)
  const refusal = expect.objectContaining({ code: 'invalid-setting', message: expect.stringContaining(message) })
  await expect(openCursorFile(path, vi.fn())).rejects.toThrow(refusal)
  await expect(openCursorFile(join(path, '..'), vi.fn())).rejects.toThrow('cannot be read (EISDIR)')
})
