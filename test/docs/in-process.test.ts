import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { read } from '../app/client.js'
import { blocksOf, readDocument } from '../support/document.js'
import { freePort } from '../support/hub-process.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const programs = new Map(
  blocksOf(await readDocument('docs/guide/in-process.md')).flatMap(({ says, code }) => {
    const name = /^program (\S+)$/.exec(says)?.[1]
    return name === undefined ? [] : [[name, code]]
  }),
)

describe('the programs of docs/guide/in-process.md', () => {
  let home = ''
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'tidings-in-process-'))
    await mkdir(join(home, 'node_modules', '@hono'), { recursive: true })
    await symlink(root, join(home, 'node_modules', 'tidings'), 'junction')
    for (const name of ['express', 'fastify', 'hono', '@hono/node-server']) {
      await symlink(join(root, 'node_modules', name), join(home, 'node_modules', name), 'junction')
    }
  })
  afterAll(() => rm(home, { recursive: true, force: true }))

  const start = async (name: string) => {
    const port = await freePort()
    const file = join(home, name)
    await writeFile(file, (programs.get(name) ?? '').replace('8080', String(port)))
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    const said = { output: '' }
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said.output += text
      })
    }
    const ended = new Promise<number | null>(resolve => child.once('close', resolve))
    return { url: `http://127.0.0.1:${port}`, child, said, ended }
  }

  it('are those that are run here', () => {
    expect([...programs.keys()]).toEqual([
      'plain.mjs',
      'express.mjs',
      'fastify.mjs',
      'hono.mjs',
      'answer.mjs',
      'answer-hono.mjs',
      'durable.mjs',
      'subscribe.mjs',
    ])
  })

  it.each(['plain.mjs', 'express.mjs', 'fastify.mjs', 'hono.mjs'])('%s is heard, and drains', async name => {
    const { url, child, said, ended } = await start(name)
    const reading = await vi.waitFor(() => read(`${url}/events?user=ann`), { timeout: 15_000 })
    await reading.until('data: 20')
    child.kill('SIGTERM')
    expect(await reading.ended()).toMatch(/retry: \d+\n$/)
    expect([await ended, said.output]).toEqual([0, ''])
  })

  it('answer.mjs streams an answer, and knows how that went', async () => {
    const { url, child, said } = await start('answer.mjs')
    const reading = await vi.waitFor(() => read(url), { timeout: 15_000 })
    expect(await reading.ended()).toMatch(
      /^: \nevent: word\ndata: {"word":"Once"}\n[\s\S]*data: {"outcome":"completed"}\n\n$/,
    )
    await vi.waitFor(() => expect(said.output).toBe('completed\n'))
    child.kill()
  })

  it('answer-hono.mjs ends as a language model does', async () => {
    const { url } = await start('answer-hono.mjs')
    const response = await vi.waitFor(() => fetch(`${url}/answer`, { method: 'POST' }), { timeout: 15_000 })
    expect(await response.text()).toMatch(/^: \ndata: Once\n[\s\S]*data: time\n\ndata: \[DONE\]\n\n$/)
  })

  it('durable.mjs goes on without its reader, is heard from where he was, and is stopped', async () => {
    const { url, said } = await start('durable.mjs')
    const begin = () => fetch(url, { method: 'POST' }).then(response => response.text())
    const topic = await vi.waitFor(begin, { timeout: 15_000 })
    const reading = await read(`${url}/${topic}`)
    const id = /id: (\S+)\nevent: progress\ndata: {"percent":3}/.exec(await reading.until('{"percent":3}\n'))?.[1]
    reading.leave()
    const resumed = await read(`${url}/${topic}`, { 'last-event-id': id ?? '' })
    expect(await resumed.until('data: {"percent":5}\n')).toMatch(
      /\$cursor\ndata:\n\nid: \S+\nevent: progress\ndata: {"percent":4}/,
    )
    const stopped = await begin()
    expect(await (await fetch(`${url}/${stopped}`, { method: 'DELETE' })).text()).toBe('true')
    expect(await (await read(`${url}/${stopped}`)).ended()).toMatch(/event: \$end\ndata: {"outcome":"stopped"}\n\n$/)
    expect(await resumed.ended()).toMatch(/event: \$end\ndata: {"outcome":"completed"}\n\n$/)
    expect(said.output).toBe('stopped\ncompleted\n')
  })

  it('subscribe.mjs hears what it publishes', async () => {
    const { said, ended } = await start('subscribe.mjs')
    expect([await ended, said.output]).toEqual([0, 'orders/17 3\n'])
  })
})
