import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readConfig, readConfigFile } from './config-file.js'

const read = (value: unknown) => readConfig(typeof value === 'string' ? value : JSON.stringify(value), 'hub.json')

describe('the file', () => {
  it('says settings as JSON has them', () => {
    const { values, origins } = read({
      port: 9000,
      log: 'memory:',
      demo: true,
      publicTopics: ['a,b'],
      retention: [{ selector: '**', ageMs: 1000 }],
      limits: { maxStreams: 7 },
    })
    expect(values).toEqual({
      port: 9000,
      log: { kind: 'memory' },
      demo: true,
      publicTopics: ['a,b'],
      retention: [{ selector: '**', ageMs: 1000 }],
      'limits.maxStreams': 7,
    })
    expect(origins.get('limits.maxStreams')).toEqual({ kind: 'file', name: 'hub.json' })
    expect(read('\n{}\n').values).toEqual({})
  })

  it.each<[unknown, string]>([
    [{ prot: 1 }, 'hub.json: prot: there is no such setting. Did you mean port?'],
    [
      { limits: { maxStrems: 1 } },
      'hub.json: limits.maxStrems: there is no such setting. Did you mean limits.maxStreams?',
    ],
    [{ maxStreams: 1 }, 'hub.json: maxStreams: there is no such setting. Did you mean limits.maxStreams?'],
    [{ limits: { port: 1 } }, 'hub.json: limits.port: there is no such setting. Did you mean port?'],
    [{ 'limits.maxStreams': 1 }, 'hub.json: limits.maxStreams: write it as {"limits": {"maxStreams": ...}}.'],
    [{ frobnicate: 1 }, 'hub.json: frobnicate: there is no such setting. See tidings serve --help.'],
    ['{"__proto__": {"port": 1}}', 'hub.json: __proto__: there is no such setting'],
    [{ limits: [] }, 'hub.json: limits: [] is no object of settings.'],
    [{ port: '9000' }, 'hub.json: port: "9000" is a text; write the number without quotes.'],
    [{ port: 1.5 }, 'hub.json: port: 1.5 is not a port (a whole number from 0 to 65535).'],
    [{ port: null }, 'hub.json: port: null is not a port'],
    [{ open: 'yes' }, 'hub.json: open: "yes" is neither true nor false.'],
    [{ log: 7 }, 'hub.json: log: 7 is no text; write `lmdb:DIRECTORY` or `memory:`, in quotes.'],
    [{ log: 'memory' }, 'hub.json: log: "memory" names no log. Did you mean "log": "memory:"?'],
    [{ logLevel: 'loud' }, 'hub.json: logLevel: "loud" is not one of trace,'],
    [{ publicTopics: 'a' }, 'hub.json: publicTopics: "a" is no list; write ["..."].'],
    [{ publicTopics: ['a', 7] }, 'hub.json: publicTopics[1]: 7 is no text.'],
    [{ publicTopics: ['a', 'b*'] }, 'hub.json: publicTopics[1]: is a selector, not "b*"'],
    [{ defaultTopics: [] }, 'hub.json: defaultTopics: has 0 entries; it takes 1 to 100.'],
    [{ retention: {} }, 'hub.json: retention: {} is no list of rules'],
    [
      { retention: [{ selector: 'a' }, { selector: 'b', ageMs: -1 }] },
      'hub.json: retention[1].ageMs: is a whole number',
    ],
    [{ metricsToken: 'hunter 2' }, 'hub.json: metricsToken: is not 8 to 512 letters'],
    ['{"port": 1, "port": 2}', 'hub.json: port: is there twice.'],
    // A bound that was raised at the head of a long group, and stayed as it was by a line at its foot.
    [
      '{"limits": {"maxStreams": 9, "maxLongPolls": 1, "maxStreams" : 5}}',
      'hub.json: limits.maxStreams: is there twice.',
    ],
    ['{"limits": {"maxStreams": 9}, "port": 1, "limits": {}}', 'hub.json: limits: is there twice.'],
    ['{"retention": [{"count": 1}, {"count": 1, "c\\u006funt": 2}]}', 'hub.json: retention.count: is there twice.'],
    ['{\n  "port": 9000,\n}', 'hub.json: Not JSON: line 3, column 1: expected a name in double quotes.'],
    ['', 'hub.json: Not JSON: line 1, column 1'],
    [[], 'hub.json: is no object of settings, such as {"port": 9000}.'],
    [[1, 2], 'hub.json: is no object of settings'],
    ['7', 'hub.json: is no object of settings'],
  ])('is refused as %j, with the path of what is wrong', (value, message) => {
    expect(() => read(value)).toThrow(expect.objectContaining({ code: 'invalid-setting' }))
    expect(() => read(value)).toThrow(message)
  })

  it('shows no secret that it has, also where it is no JSON', () => {
    for (const text of ['{"metricsToken": "hunter 2"}', '{"metricsToken": "hunter22222" "port": 1}']) {
      expect(() => read(text)).toThrow(expect.objectContaining({ message: expect.not.stringContaining('hunter') }))
    }
  })

  it('is named when it cannot be read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tidings-config-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const missing = join(folder, 'none.json')
    await expect(readConfigFile(missing)).rejects.toThrow(`${missing}: the file cannot be read (ENOENT).`)
    await expect(readConfigFile(folder)).rejects.toThrow('(EISDIR)')
  })
})
