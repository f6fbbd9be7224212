import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, it } from 'vitest'
import { requireProgram } from '../support/programs.js'

// The figures of the bench are worth what its checker is: each fault is shown to it, on one connection of four in every
// tenth of thirty events, and must be named, counted, and taken for no other.
const mustSay = {
  none: [],
  drop: ['2 deliveries missing', '4 events passed over'],
  'drop-last': ['2 deliveries missing'],
  repeat: ['6 events repeated or out of order'],
  swap: ['4 events passed over', '4 events repeated or out of order'],
  shorten: ['6 events damaged'],
  forge: ['6 events that nobody published'],
  gap: ['6 gaps'],
  cut: ['3 connections cut'],
}
const program = fileURLToPath(new URL('../../bench/load/prove-checker.mjs', import.meta.url))
const run = promisify(execFile)
const compiler = requireProgram('cc', 'install a C compiler (Debian: build-essential).')

async function whatItSays(generator: 'c' | 'node', lanes: number): Promise<unknown> {
  const { stdout } = await run(process.execPath, [program, generator, String(lanes)], { timeout: 60_000 })
  return JSON.parse(stdout)
}

describe.skipIf(compiler === undefined).concurrent('the load generator in C', () => {
  it.for([1, 3])('notices what a server breaks, with %i publishers', { timeout: 60_000 }, async (lanes, { expect }) => {
    expect(await whatItSays('c', lanes)).toEqual(mustSay)
  })
})

describe.concurrent('the load generator for Node.js', () => {
  it('notices the same', { timeout: 60_000 }, async ({ expect }) => {
    expect(await whatItSays('node', 1)).toEqual(mustSay)
  })
})
