import { describe, expect, it } from 'vitest'
import { TidingsError } from '../../wire/errors.js'
import { createLogger } from '../logger.js'
import type { SettingsRead } from '../settings/read.js'
import { resolve } from '../settings/resolve.js'
import type { Settings, Values } from '../settings/settings.js'
import { createReload } from './reload.js'

function read(given: Partial<Values>): SettingsRead {
  return { ...resolve(given), given, origins: new Map(), file: 'hub.json' }
}

/** A hub that is started with `first`, and what it says. */
function hub(first: Partial<Values>) {
  const lines: string[] = []
  const logger = createLogger(first.logLevel ?? 'info', {
    write: (line: string) => {
      const { level, msg }: { level: string; msg: string } = JSON.parse(line)
      lines.push(`${level} ${msg}`)
    },
  })
  const state = {
    lines,
    applied: [] as Settings[],
    next: async (): Promise<SettingsRead> => read(first),
    apply: async (_: Settings): Promise<readonly string[]> => [],
  }
  const reload = createReload({
    running: read(first),
    readAgain: () => state.next(),
    async apply(settings) {
      const others = await state.apply(settings)
      state.applied.push(settings)
      return others
    },
    logger,
  })
  return { ...state, state, reload }
}

describe('a reload', () => {
  it('applies what is read, and says what it changes', async () => {
    const { state, reload, lines, applied } = hub({ port: 1 })
    state.next = async () => read({ port: 2, 'limits.maxEvents': 5 })
    await reload()
    expect(applied).toEqual([expect.objectContaining({ port: 1, limits: expect.objectContaining({ maxEvents: 5 }) })])
    expect(lines).toEqual([
      'info SIGHUP: limits.maxEvents is 5 now; it was 1000.',
      'info SIGHUP: port stays 1 until a restart; now it is said to be 2.',
    ])
    state.next = async () => read({ port: 1, 'limits.maxEvents': 5 })
    await reload()
    expect(lines.at(-1)).toBe('info SIGHUP: read again; nothing is another one.')
  })

  it('changes nothing if what is read is wrong, or cannot be applied', async () => {
    const { state, reload, lines, applied } = hub({})
    state.next = async () => {
      throw new TidingsError('invalid-setting', 'hub.json: prot: there is no such setting.')
    }
    await reload()
    state.next = async () => read({ 'limits.maxEvents': 5 })
    state.apply = async () => {
      throw new TidingsError('log-unavailable', 'The log is away.')
    }
    await reload()
    expect(applied).toEqual([])
    const refused = 'error SIGHUP: refused as a whole; everything stays as it was.'
    expect(lines).toEqual([`${refused} hub.json: prot: there is no such setting.`, `${refused} The log is away.`])
    state.apply = async () => []
    await reload()
    expect(lines.at(-1)).toBe('info SIGHUP: limits.maxEvents is 5 now; it was 1000.')
  })

  it.each(['warn', 'debug'] as const)('says that it tells less or more (%s)', async logLevel => {
    const { state, reload, lines } = hub({})
    state.next = async () => read({ logLevel })
    await reload()
    state.next = async () => read({})
    await reload()
    expect(lines).toEqual([
      `info SIGHUP: logLevel is "${logLevel}" now; it was "info".`,
      `info SIGHUP: logLevel is "info" now; it was "${logLevel}".`,
    ])
  })

  it('comes one after the other, and once for all that are asked for meanwhile', async () => {
    const { state, reload, applied } = hub({})
    const answers: (() => void)[] = []
    let reads = 0
    state.next = async () => {
      await new Promise<void>(resolve => answers.push(resolve))
      return read({ 'limits.maxEvents': ++reads })
    }
    const done = Promise.all([reload(), reload(), reload()])
    expect(answers).toHaveLength(1)
    answers[0]?.()
    await expect.poll(() => answers.length).toBe(2)
    answers[1]?.()
    await done
    expect(applied.map(({ limits }) => limits.maxEvents)).toEqual([1, 2])
  })
})
