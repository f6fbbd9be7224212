import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { mkdtemp, readFile, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type LogLine, startHubProcess, toLogLines } from '../support/hub-process.js'

const logger = new URL('../../dist/cli/logger.js', import.meta.url).href

/** A program that writes `count` lines of some 500 bytes each time it is told to on its input, says so, and ends with its input. */
const program = `
  import { createLog } from ${JSON.stringify(logger)}
  const { logger } = createLog({ level: 'info', format: 'json' })
  let number = 0
  process.stdin.on('data', text => {
    for (const count of text.toString().trim().split('\\n')) {
      const began = performance.now()
      for (let i = 0; i < Number(count); i++) logger.info({ number: number++, filling: 'x'.repeat(450) }, 'A line.')
      process.stdout.write('wrote ' + count + ' in ' + Math.round(performance.now() - began) + '\\n')
    }
  })
  process.stdin.on('end', () => process.exit(0))
`

function start(errors: 'pipe' | number): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['pipe', 'pipe', errors] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** Has it write so many lines; resolves when it has, and goes on. */
async function write(child: ChildProcess, count: number): Promise<void> {
  child.stdin?.write(`${count}\n`)
  let said = ''
  for await (const [text] of on(child)) {
    said += text
    if (said.includes(`wrote ${count} in`)) return
  }
}

async function* on(child: ChildProcess): AsyncGenerator<string[]> {
  for (;;) yield (await once(child.stdout as NonNullable<typeof child.stdout>, 'data')).map(String)
}

const numbers = (lines: readonly LogLine[]) => lines.map(({ number }) => number)
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-lines-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

describe.skipIf(process.platform !== 'linux')('a log', () => {
  it('does not hold up the hub while its reader stands still, and is whole when it reads on', async () => {
    const child = start('pipe')
    // More than a pipe takes (64 KiB), and less than waits for its reader (1 MiB).
    await write(child, 1_000)
    let text = ''
    child.stderr?.on('data', (more: Buffer) => {
      text += more.toString()
    })
    await vi.waitFor(() => expect(numbers(toLogLines(text))).toEqual(upTo(1_000)), { timeout: 10_000 })
  })

  it('is written to the end when the hub ends, also to a slow reader', async () => {
    const child = start('pipe')
    await write(child, 300)
    child.stdin?.end()
    let text = ''
    child.stderr?.on('data', (more: Buffer) => {
      text += more.toString()
    })
    await once(child, 'close')
    expect(numbers(toLogLines(text))).toEqual(upTo(300))
  })

  it('that is too much for a reader who stands still says how many lines were lost', async () => {
    const child = start('pipe')
    await write(child, 4_000)
    let text = ''
    child.stderr?.on('data', (more: Buffer) => {
      text += more.toString()
    })
    await vi.waitFor(() => expect(toLogLines(text).length).toBeGreaterThan(2_000), { timeout: 10_000 })
    await write(child, 1)
    await vi.waitFor(() => expect(toLogLines(text).at(-1)?.['number']).toBe(4_000), { timeout: 10_000 })
    const lines = toLogLines(text)
    const loss = lines.find(({ msg }) => msg.startsWith('Lines of the log were lost'))
    const kept = lines.filter(({ number }) => number !== undefined).length
    expect(kept + Number(loss?.['lines'])).toBe(4_001)
  })

  it('survives rotations by copying and emptying, opened for appending', async () => {
    const file = join(directory, 'rotated.log')
    const child = start(openSync(file, 'a'))
    await write(child, 20)
    expect(numbers(toLogLines(await readFile(file, 'utf8')))).toEqual(upTo(20))
    await truncate(file)
    await write(child, 1)
    const text = await readFile(file, 'utf8')
    expect(text.startsWith('{')).toBe(true)
    expect(numbers(toLogLines(text))).toEqual([20])
  })
})

describe('a hub whose log nobody reads any more', () => {
  it('goes on', async () => {
    const hub = await startHubProcess({ args: ['--limits-max-long-polls', '0'] })
    hub.stopReading()
    const poll = () => fetch(`${hub.url}/events/a?wait=1`, { headers: { accept: 'application/json' } })
    // Each of these has something to tell.
    expect((await poll()).status).toBe(503)
    expect((await fetch(`${hub.url}/events/a`, { method: 'POST', body: 'x' })).status).toBe(200)
    expect(await hub.terminate()).toEqual({ code: 0, signal: null })
  })
})
