import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { requireProgram } from '../support/programs.js'

const entry = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const script = requireProgram('script', 'apt-get install bsdutils')
const patience = { timeout: 15_000, interval: 20 }

/** A hub on a terminal, as somebody sees it who started it there. */
async function startOnTerminal(...args: readonly string[]) {
  const command = [
    'stty cols 100; exec',
    process.execPath,
    entry,
    'serve',
    '--port',
    '0',
    '--log',
    'memory:',
    ...args,
  ].join(' ')
  const env = { ...process.env, TERM: 'xterm', NO_COLOR: '1', SHELL: '/bin/sh' }
  const child = spawn(script ?? '', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let seen = ''
  child.stdout.on('data', (text: Buffer) => {
    seen += text.toString()
  })
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  await vi.waitFor(() => expect(seen).toMatch(/Listening on http:\S+\r\n/), patience)
  const pid = Number((await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')).trim())
  return { url: /Listening on (\S+)\r\n/.exec(seen)?.[1] ?? '', pid, seen: () => seen, ended }
}

describe.skipIf(!script || process.platform !== 'linux')('a hub on a terminal', () => {
  it('says nothing twice at its start, and readable lines after it', async () => {
    const hub = await startOnTerminal('--limits-max-long-polls', '0')
    await fetch(`${hub.url}/events/a?wait=1`, { headers: { accept: 'application/json' } })
    await vi.waitFor(() => expect(hub.seen()).toContain('Readers were refused'), patience)
    process.kill(hub.pid, 'SIGTERM')
    expect(await hub.ended).toBe(0)
    expect(hub.seen().match(/Listening on/g)).toHaveLength(1)
    expect(hub.seen()).toMatch(
      /^\d\d:\d\d:\d\d warn {2}Readers were refused: too many at once\. count=1 maxStreams=\d+\r$/m,
    )
    expect(hub.seen()).not.toContain('{"level"')
  })

  it('shows how draining comes on, and how it went', async () => {
    const hub = await startOnTerminal('--drain-ms', '2000')
    const [reading, stuck] = [0, 1].map(() => {
      const socket = connect(Number(new URL(hub.url).port), '127.0.0.1')
      onTestFinished(() => void socket.destroy())
      socket.on('error', () => undefined)
      socket.write('GET /events/a HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n')
      return socket
    }) as [ReturnType<typeof connect>, ReturnType<typeof connect>]
    await Promise.all([reading, stuck].map(socket => once(socket, 'data')))
    reading.resume()
    stuck.pause()
    const body = 'x'.repeat(200_000)
    for (let i = 0; i < 60; i++) await fetch(`${hub.url}/events/a`, { method: 'POST', body })
    process.kill(hub.pid, 'SIGTERM')
    await vi.waitFor(() => expect(hub.seen()).toMatch(/\[KEnding: 1 of 2 subscriptions left, \d s/), patience)
    expect(await hub.ended).toBe(0)
    // The moving line is gone before the next line stands.
    expect(hub.seen()).toMatch(/\[K\d\d:\d\d:\d\d info {2}Ended 2 subscriptions: 1 let go, 1 cut off at the deadline\./)
  })
})
