import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type HubProcess, startHubProcess } from '../support/hub-process.js'
import { requireProgram } from '../support/programs.js'

const curl = requireProgram('curl', 'apt-get install curl')
const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')

/** Blocks that say what they are: `sh run` ends by itself, `sh listen` goes on until it is ended. */
const blocks = [...readme.matchAll(/^```sh (run|listen)\n(.*?)^```$/gms)].map(([, kind = '', script = '']) => ({
  kind,
  script,
}))

describe.skipIf(!curl)('what README.md says to type', () => {
  let home = ''
  let hub: HubProcess

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'tidings-readme-'))
    // curl takes a refusal for a success otherwise.
    await writeFile(join(home, '.curlrc'), 'fail-with-body\nsilent\nshow-error\n')
    hub = await startHubProcess({ args: ['--demo'] })
  })
  afterAll(() => rm(home, { recursive: true, force: true }))

  it('is there', () => {
    expect(blocks.map(({ kind }) => kind)).toEqual(['listen', 'run', 'run', 'listen', 'run'])
  })

  it.each(blocks)('$kind: $script', async ({ kind, script }) => {
    const child = spawn('sh', ['-c', script.replaceAll('127.0.0.1:8080', `127.0.0.1:${hub.port}`)], {
      env: { ...process.env, CURL_HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    onTestFinished(() => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
    })
    let output = ''
    const ended = new Promise<number | null>(resolve => child.once('close', code => resolve(code)))
    await new Promise<void>(resolve => {
      const hear = (bytes: Buffer): void => {
        output += String(bytes)
        if (kind === 'listen' && /^event: \$cursor\ndata:/m.test(output)) resolve()
      }
      child.stdout.on('data', hear)
      child.stderr.on('data', hear)
      void ended.then(() => resolve())
    })
    if (kind === 'listen') {
      expect(output).toContain('event: $cursor')
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
      await ended
    } else {
      expect({ code: await ended, output }).toEqual({ code: 0, output: expect.stringContaining('{') })
    }
  })
})
