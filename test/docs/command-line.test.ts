import { spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { blocksOf, readDocument } from '../support/document.js'
import { type HubProcess, startHubProcess } from '../support/hub-process.js'

const guide = await readDocument('docs/guide/command-line.md')
/** Those that end by themselves, well, and those that go on; a line of the latter is heard. */
const blocks = blocksOf(guide).filter(({ language, says }) => language === 'sh' && /^(?:steps|follows)$/.test(says))
const entry = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

let hub: HubProcess
let home = ''

beforeAll(async () => {
  hub = await startHubProcess()
  home = await mkdtemp(join(tmpdir(), 'tidings-guide-'))
  await writeFile(join(home, 'tidings'), `#!/bin/sh\nexec "${process.execPath}" "${entry}" "$@"\n`)
  await chmod(join(home, 'tidings'), 0o755)
})
afterAll(() => rm(home, { recursive: true, force: true }))

function start(script: string) {
  const env = { ...process.env, PATH: `${home}${delimiter}${process.env['PATH']}`, TIDINGS_URL: hub.url }
  const child = spawn('sh', ['-ec', script], { cwd: home, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  return { child, ended, output: () => output }
}

describe('docs/guide/command-line.md', () => {
  it('has lines that are tried', () => {
    expect(blocks.map(({ says }) => says)).toEqual(expect.arrayContaining(['steps', 'follows']))
  })

  for (const { says, code } of blocks) {
    it(`${says}: ${code.trim()}`, async () => {
      if (says === 'follows') {
        const { child, ended, output } = start(`exec ${code}`)
        const selector = /subscribe '?([^' ]+)/.exec(code)?.[1] ?? ''
        const topic = selector.trim().replace('**', 'app')
        await vi.waitFor(
          async () => {
            await fetch(`${hub.url}/events/${topic}`, { method: 'POST', body: 'heard' })
            expect(output()).toMatch(new RegExp(`^\\S+Z ${topic} heard$`, 'm'))
          },
          { timeout: 15_000, interval: 100 },
        )
        child.kill('SIGTERM')
        expect(await ended).toBe(0)
        return
      }
      const { ended, output } = start(code)
      expect({ code: await ended, output: output() }).toMatchObject({ code: 0 })
      if (code.includes('--cursor-file')) {
        expect(output().match(/\w+$/gm)).toEqual(['one', 'two', 'three'])
      }
    })
  }
})
