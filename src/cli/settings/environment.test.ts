import { describe, expect, it } from 'vitest'
import { readEnvironment } from './environment.js'
import { variableOf } from './names.js'
import { settingPaths } from './table.js'

describe('the variables', () => {
  it('have a name of their own for each setting', () => {
    expect(variableOf('limits.maxPublishBytesInFlight')).toBe('TIDINGS_LIMITS_MAX_PUBLISH_BYTES_IN_FLIGHT')
    expect(new Set(settingPaths.map(variableOf)).size).toBe(settingPaths.length)
  })

  it('say texts, numbers, switches, lists with commas, and rules as JSON', () => {
    const { values, origins } = readEnvironment({
      TIDINGS_LOG: 'memory:',
      TIDINGS_PORT: '9000',
      TIDINGS_DEMO: 'True',
      TIDINGS_OPEN: '0',
      TIDINGS_PUBLIC_TOPICS: 'clock, news/*',
      TIDINGS_RETENTION: '[{"selector":"**","count":5}]',
      TIDINGS_LIMITS_MAX_STREAMS: '7',
      HOME: '/root',
    })
    expect(values).toEqual({
      log: { kind: 'memory' },
      port: 9000,
      demo: true,
      open: false,
      publicTopics: ['clock', 'news/*'],
      retention: [{ selector: '**', count: 5 }],
      'limits.maxStreams': 7,
    })
    expect(origins.get('port')).toEqual({ kind: 'variable', name: 'TIDINGS_PORT' })
  })

  it('say nothing when they are empty, as a compose file leaves them', () => {
    expect(readEnvironment({ TIDINGS_PORT: '', TIDINGS_PUBLIC_TOPICS: '', TIDINGS_PROT: '' }).values).toEqual({})
  })

  it('are passed over if they are for other commands', () => {
    const others = { TIDINGS_URL: 'http://hub', TIDINGS_CONFIG: 'a.json', TIDINGS_SEED: '1', TIDINGS_STEPS: '2' }
    expect(readEnvironment({ ...others, TIDINGS_FUZZ_MS: '3' }).values).toEqual({})
  })

  // A hub behind a service that is called `tidings` did not start there, since none of these is a setting, and its port no number.
  it('are passed over if Kubernetes has made them for services', () => {
    const made = {
      TIDINGS_SERVICE_HOST: '10.0.0.1',
      TIDINGS_SERVICE_PORT: '80',
      TIDINGS_SERVICE_PORT_HTTP: '80',
      TIDINGS_PORT: 'tcp://10.0.0.1:80',
      TIDINGS_PORT_80_TCP: 'tcp://10.0.0.1:80',
      TIDINGS_PORT_80_TCP_PROTO: 'tcp',
      TIDINGS_PORT_80_TCP_PORT: '80',
      TIDINGS_PORT_80_TCP_ADDR: '10.0.0.1',
      TIDINGS_METRICS_SERVICE_HOST: '10.0.0.2',
      TIDINGS_METRICS_PORT: 'tcp://10.0.0.2:80',
    }
    expect(readEnvironment(made).values).toEqual({})
  })

  it.each([
    [{ TIDINGS_PROT: '9000' }, 'TIDINGS_PROT: there is no such setting. Did you mean TIDINGS_PORT?'],
    [{ TIDINGS_MAX_STREAMS: '9' }, 'Did you mean TIDINGS_LIMITS_MAX_STREAMS?'],
    [{ TIDINGS_CONFG: 'x' }, 'Did you mean TIDINGS_CONFIG?'],
    [{ TIDINGS_FROBNICATE: 'x' }, 'TIDINGS_FROBNICATE: there is no such setting. See tidings serve --help'],
    [{ TIDINGS_PORT: 'http' }, 'TIDINGS_PORT: "http" is not a port (a whole number from 0 to 65535).'],
    [{ TIDINGS_OPEN: 'maybe' }, 'TIDINGS_OPEN: "maybe" is neither true nor false.'],
    [{ TIDINGS_LOG: 'memory' }, 'TIDINGS_LOG: "memory" names no log. Did you mean TIDINGS_LOG=memory:?'],
    [{ TIDINGS_ALLOWED_HOSTS: 'a,http://b' }, 'TIDINGS_ALLOWED_HOSTS: is a name with or without a port'],
    [{ TIDINGS_RETENTION: '[{"selector":"a"},{"count":1}]' }, 'TIDINGS_RETENTION: retention[1].selector is the text'],
  ])('are refused as %j, saying what was meant', (environment, message) => {
    expect(() => readEnvironment(environment)).toThrow(expect.objectContaining({ code: 'invalid-setting' }))
    expect(() => readEnvironment(environment)).toThrow(message)
  })
})
