import { describe, expect, test } from 'vitest'
import { parseLimits } from './descriptor-limit.js'
import { type PartialHttpSettings, resolveHttpSettings } from './settings.js'

describe('settings', () => {
  test('are complete and frozen', () => {
    const settings = resolveHttpSettings()
    expect(settings).toMatchObject({ host: '127.0.0.1', port: 8080, open: false, publicTopics: [] })
    expect(settings.limits).toMatchObject({ maxEventBytes: 262_144, maxEvents: 1000, headersTimeoutMs: 10_000 })
    expect(settings.limits.maxStreams).toBeLessThan(settings.limits.maxConnections)
    expect(
      Object.isFrozen(settings) && Object.isFrozen(settings.limits) && Object.isFrozen(settings.publicTopics),
    ).toBe(true)
    expect(Object.values(settings.limits).every(Number.isSafeInteger)).toBe(true)
  })

  test('keep what is given', () => {
    const settings = resolveHttpSettings({ port: 0, limits: { maxConnections: 100, maxEvents: 5 } })
    expect(settings.port).toBe(0)
    expect(settings.limits).toMatchObject({ maxConnections: 100, maxStreams: 90, maxLongPolls: 25, maxEvents: 5 })
  })

  const unknown: object = { limits: { maxEvnts: 1 } }
  const misspelt: object = { prot: 1 }
  test.each<[string, PartialHttpSettings, RegExp]>([
    ['an unknown name', misspelt, /"prot" is unknown; did you mean "port"/],
    ['an unknown limit', unknown, /"limits.maxEvnts" is unknown; did you mean "limits.maxEvents"/],
    ['a port out of bounds', { port: 65_536 }, /"port" is a whole number from 0 to 65535/],
    ['a limit out of bounds', { limits: { maxEvents: 1001 } }, /"limits.maxEvents"/],
    ['a limit that is no number', { limits: { maxEvents: Number.NaN } }, /"limits.maxEvents"/],
    ['an address of others', { host: '0.0.0.0' }, /"host".*--open/],
    ['another address of others', { host: '::' }, /"host".*--open/],
    ['an origin with a path', { allowedOrigins: ['https://a/'] }, /"allowedOrigins\[0\]"/],
    ['any origin', { allowedOrigins: ['*'] }, /"allowedOrigins\[0\]"/],
    ['a host with a scheme', { allowedHosts: ['ok', 'http://a'] }, /"allowedHosts\[1\]"/],
    ['no selector', { publicTopics: ['a*'] }, /"publicTopics\[0\]"/],
    ['no default topic', { defaultTopics: [] }, /"defaultTopics"/],
  ])('with %s are refused', (_, given, message) => {
    expect(() => resolveHttpSettings(given)).toThrow(message)
    expect(() => resolveHttpSettings(given)).toThrow(expect.objectContaining({ code: 'invalid-setting' }))
  })

  test('let others in only when that is meant', () => {
    expect(resolveHttpSettings({ host: '0.0.0.0', open: true }).host).toBe('0.0.0.0')
    expect(resolveHttpSettings({ host: '::1' }).host).toBe('::1')
    expect(resolveHttpSettings({ host: '127.0.0.5' }).host).toBe('127.0.0.5')
  })
})

test('the limit of descriptors is the soft one', () => {
  const text =
    'Max processes             100                  200                  processes\nMax open files            1024                 4096                 files     \n'
  expect(parseLimits(text)).toBe(1024)
  expect(parseLimits('Max open files            unlimited            unlimited            files\n')).toBe(1_000_000)
  expect(parseLimits('')).toBeUndefined()
})
