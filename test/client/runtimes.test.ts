import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { run } from '../support/command-line.js'
import { installRuntimes, runtimeNames } from '../support/runtimes.js'
import { openHub } from './listen.js'

const program = fileURLToPath(new URL('runtime-program.mjs', import.meta.url))

it.each(['Node.js 20', ...runtimeNames] as const)(
  '%s publishes, hears it in every way, and ends by itself',
  async name => {
    const { url } = await openHub()
    const command = name === 'Node.js 20' ? ([process.execPath] as const) : (await installRuntimes())(name)
    const [first, ...args] = command
    const child = run(first, [...args, program, url], '/')
    const code = await child.ended
    expect({ code, output: child.output() }).toMatchObject({ code: 0, output: expect.stringMatching(/^\{.*\}\n$/) })
    const { published, heard } = JSON.parse(child.output())
    expect(published).toEqual({ accepted: 30, lastId: expect.stringMatching(/^\w+-30$/) })
    const all = Array.from({ length: 30 }, (_, i) => i)
    const ways = ['event-stream', 'long-poll', ...(name === 'Node.js 20' ? [] : ['websocket'])]
    expect(heard).toEqual(ways.map(way => ({ way, all, repeats: 0, isAtEnd: published.lastId })))
  },
  60_000,
)
