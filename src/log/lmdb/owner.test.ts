import { link, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLmdbLog } from './open.js'
import { listenAs, type Ownership, takeOwnership } from './owner.js'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-owner-'))
})

afterEach(() => rm(directory, { recursive: true }))

/** What an owner leaves that was killed: a socket at which nobody listens. */
async function leaveDeadSocket(number: number): Promise<void> {
  const server = createServer()
  const listening = join(directory, 'listening')
  await new Promise<void>(resolve => server.listen(listening, resolve))
  await link(listening, join(directory, `owner.${number}.sock`))
  await new Promise(resolve => server.close(resolve))
}

test('a second one is refused, until the first has given it back', async () => {
  const first = await takeOwnership(directory)
  await expect(takeOwnership(directory)).rejects.toMatchObject({
    code: 'log-in-use',
    message: expect.stringContaining(directory),
  })
  await first.release()
  await (await takeOwnership(directory)).release()
})

test('what a killed owner left is taken over', async () => {
  await leaveDeadSocket(7)
  const owner = await takeOwnership(directory)
  expect(await readdir(directory)).toEqual(['owner.8.sock'])
  await expect(takeOwnership(directory)).rejects.toMatchObject({ code: 'log-in-use' })
  await owner.release()
})

test('of many who try at once one has it, whatever was left', async () => {
  for (let round = 0; round < 20; round++) {
    if (round % 3 === 1) await leaveDeadSocket(1000 * round)
    if (round % 5 === 4) await rm(join(directory, (await readdir(directory))[0] ?? ''), { force: true })
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => takeOwnership(directory)))
    const owners = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'log-in-use' })
    }
    expect(owners).toHaveLength(1)
    await (owners[0] as Ownership).release()
    expect((await readdir(directory)).filter(name => name.startsWith('starting'))).toEqual([])
  }
})

test('who looked long ago, and comes with a number that was given up since, does not have it', async () => {
  await leaveDeadSocket(5)
  const owner = await takeOwnership(directory)
  expect(await listenAs(directory, directory, 3)).toBeUndefined()
  expect(await listenAs(directory, directory, 6)).toBeUndefined()
  expect(await readdir(directory)).toEqual(['owner.6.sock'])
  await owner.release()
})

test('a directory deeper than the path of a socket may be is as good as any', async () => {
  const deep = join(directory, 'a'.repeat(100), 'b'.repeat(100))
  await mkdir(deep, { recursive: true })
  const owner = await takeOwnership(deep)
  await expect(takeOwnership(deep)).rejects.toMatchObject({ code: 'log-in-use' })
  await owner.release()
})

test('a log is open once, in this process or another', async () => {
  const log = await openLmdbLog(directory)
  await log.append([{ topic: 'a', data: '1' }])
  await expect(openLmdbLog(directory)).rejects.toMatchObject({ code: 'log-in-use' })
  expect(await log.append([{ topic: 'a', data: '2' }])).toHaveLength(1)
  await log.close()
})
