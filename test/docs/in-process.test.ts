import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { read } from '../app/client.js'
import { ApplicationFolder, programsOf, startListening, startProgram } from '../support/application-folder.js'
import { run, settle } from '../support/command-line.js'
import { freePort } from '../support/hub-process.js'

const compiler = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))
const programs = await programsOf('docs/guide/in-process.md')

/** Nobody hears what is said to others, by a name that is none. */
async function expectToBeForOne(url: string): Promise<void> {
  for (const name of ['*', '**', 'eve', '']) {
    expect([name, (await fetch(`${url}/events?user=${name}`)).status]).toEqual([name, 403])
  }
}

describe('the programs of docs/guide/in-process.md', () => {
  let folder: ApplicationFolder
  beforeAll(async () => {
    folder = await ApplicationFolder.make(['express', 'fastify', 'hono', '@hono/node-server'])
  })
  afterAll(() => folder.remove())

  const start = (name: string) => startListening(folder, name, programs.get(name) ?? '')

  it('are those that are run here', () => {
    expect([...programs.keys()]).toEqual([
      'plain.mjs',
      'express.mjs',
      'fastify.mjs',
      'nest.ts',
      'hono.mjs',
      'answer.mjs',
      'answer-fastify.mjs',
      'answer-hono.mjs',
      'durable.mjs',
      'subscribe.mjs',
    ])
  })

  it.each(['plain.mjs', 'express.mjs', 'fastify.mjs', 'hono.mjs'])('%s is heard, and drains', async name => {
    const { url, child, said, ended } = await start(name)
    const reading = await vi.waitFor(() => read(`${url}/events?user=ann`), { timeout: 15_000 })
    await reading.until('data: 20')
    if (name !== 'plain.mjs') await expectToBeForOne(url)
    child.kill('SIGTERM')
    expect(await reading.ended()).toMatch(/retry: \d+\n$/)
    expect([await ended, said.output]).toEqual([0, ''])
  })

  it('nest.ts is heard, and drains', async () => {
    const names = ['@nestjs/common', '@nestjs/core', '@nestjs/platform-express', 'reflect-metadata', 'rxjs', 'express']
    const nest = await ApplicationFolder.make([...names, '@types/express', '@types/node'])
    onTestFinished(() => nest.remove())
    const compilerOptions = {
      ...{ module: 'nodenext', target: 'es2023', lib: ['es2023'], types: ['node'], strict: true, skipLibCheck: true },
      ...{ experimentalDecorators: true, emitDecoratorMetadata: true },
    }
    await nest.write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['nest.ts'] }))
    const port = await freePort()
    await nest.write('nest.ts', (programs.get('nest.ts') ?? '').replace('8080', String(port)))
    await settle(run(process.execPath, [compiler, '--project', nest.path], nest.path))
    const { child, ended, said } = startProgram([process.execPath, 'nest.js'], nest.path)
    const reading = await vi.waitFor(() => read(`http://127.0.0.1:${port}/events?user=ann`), { timeout: 15_000 })
    await reading.until('data: 20')
    await expectToBeForOne(`http://127.0.0.1:${port}`)
    child.kill('SIGTERM')
    expect(await reading.ended()).toMatch(/retry: \d+\n$/)
    await ended
    expect(said.output).toBe('')
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

  it.each(['answer-hono.mjs', 'answer-fastify.mjs'])('%s ends as a language model does', async name => {
    const { url } = await start(name)
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
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(405)
    expect(await (await read(`${url}/${stopped}`)).ended()).toMatch(/event: \$end\ndata: {"outcome":"stopped"}\n\n$/)
    expect(await resumed.ended()).toMatch(/event: \$end\ndata: {"outcome":"completed"}\n\n$/)
    expect(said.output).toBe('stopped\ncompleted\n')
  })

  it('subscribe.mjs hears what it publishes', async () => {
    const { said, ended } = await start('subscribe.mjs')
    expect([await ended, said.output]).toEqual([0, 'orders/17 3\n'])
  })
})
