import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

const entry = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const patience = { timeout: 20_000, interval: 20 }

/** `tidings` with its output on a disk that is full. */
async function startOnFullDisk(...args: readonly string[]) {
  const full = await open('/dev/full', 'w')
  const child = spawn(process.execPath, [entry, ...args], { stdio: ['ignore', full.fd, 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await full.close()
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  return { child, said: () => said, ended: once(child, 'close').then(([code]) => code as number | null) }
}

describe.skipIf(process.platform !== 'linux')('an output on a full disk', () => {
  it('ends a command with 1 and a sentence, for what it was asked for is lost', async () => {
    const { ended, said } = await startOnFullDisk('serve', '--help')
    expect(await ended).toBe(1)
    expect(said()).toBe('tidings: Standard output cannot be written to: there is no room left (ENOSPC).\n')
  })

  it('does not keep a hub from running, nor from ending in order', async () => {
    const { child, ended, said } = await startOnFullDisk('serve', '--port', '0', '--log', 'memory:')
    await vi.waitFor(() => expect(said()).toContain('"msg":"Listening on'), patience)
    const url = /"url":"([^"]+)"/.exec(said())?.[1]
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    expect(said()).not.toContain('ENOSPC')
  }, 30_000)
})
