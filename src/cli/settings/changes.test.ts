import { describe, expect, it } from 'vitest'
import { type Changes, changesOf, describeChange } from './changes.js'
import { resolve } from './resolve.js'
import type { Values } from './settings.js'

function change(before: Partial<Values>, after: Partial<Values>): Changes {
  return changesOf(resolve(before).values, { given: after, ...resolve(after) })
}

function said({ changed, waiting }: Changes): readonly string[] {
  return [...changed.map(each => describeChange(each, false)), ...waiting.map(each => describeChange(each, true))]
}

describe('settings that are read again', () => {
  it('hold if they can change, and wait for a restart if not', () => {
    const changes = change(
      { port: 8080, 'limits.maxEvents': 10, demo: true },
      { port: 9000, 'limits.maxEvents': 20, demo: true, logLevel: 'debug', allowedOrigins: ['https://a.example'] },
    )
    expect(said(changes)).toEqual([
      'allowedOrigins is ["https://a.example"] now; it was [].',
      'logLevel is "debug" now; it was "info".',
      'limits.maxEvents is 20 now; it was 10.',
      'port stays 8080 until a restart; now it is said to be 9000.',
    ])
    expect(changes.settings).toMatchObject({ port: 8080, logLevel: 'debug', demo: true, limits: { maxEvents: 20 } })
  })

  it('are back at their defaults when they are said no more', () => {
    const changes = change({ defaultTopics: ['a'], 'limits.maxEvents': 10 }, {})
    expect(said(changes)).toEqual([
      'defaultTopics is unset now; it was ["a"].',
      'limits.maxEvents is 1000 now; it was 10.',
    ])
  })

  it('do not change if nothing has', () => {
    expect(said(change({ demo: true, port: 1 }, { demo: true, port: 1 }))).toEqual([])
  })

  it('take defaults from what holds, not from what waits', () => {
    const changes = change({ demo: true, log: { kind: 'memory' } }, { log: { kind: 'lmdb', directory: 'x' } })
    expect(changes.changed).toEqual([])
    expect(changes.settings).toMatchObject({ demo: true, log: { kind: 'memory' }, publicTopics: ['clock'] })
    expect(changes.settings.retention[1]).toMatchObject({ bytes: 64 * 2 ** 20 })
    expect(changes.waiting.map(({ path }) => path)).toEqual(['log', 'maxRecentBytes', 'demo'])
  })

  it('take along what goes by them', () => {
    const changes = change({ 'limits.maxConnections': 100 }, { 'limits.maxConnections': 1000 })
    expect(changes.changed.map(({ path }) => path)).toEqual([
      'limits.maxConnections',
      'limits.maxStreams',
      'limits.maxLongPolls',
    ])
    expect(changes.settings.limits).toMatchObject({ maxConnections: 1000, maxStreams: 900 })
  })

  it('show no secret', () => {
    const changes = change({ metricsToken: 'hunter22' }, { metricsToken: 'hunter33' })
    expect(said(changes)).toEqual(['metricsToken is another one, which holds after a restart.'])
    expect(JSON.stringify([changes.changed, changes.waiting])).not.toContain('hunter')
    expect(changes.settings.metricsToken).toBe('hunter22')
  })

  it('are cut short where they are long', () => {
    const changes = change({}, { publicTopics: Array.from({ length: 500 }, (_, i) => `topic/${i}`) })
    expect(said(changes)[0]?.length).toBeLessThan(400)
  })
})
