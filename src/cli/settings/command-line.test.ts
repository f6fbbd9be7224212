import { describe, expect, it } from 'vitest'
import { TidingsError } from '../../wire/errors.js'
import { readCommandLine } from './command-line.js'
import { describeSettings } from './describe.js'
import { flagOf } from './names.js'
import type { Values } from './settings.js'
import { settingPaths } from './table.js'

function given(...args: string[]): Partial<Values> {
  const line = readCommandLine(args)
  if (line === 'help') throw new Error('help')
  return line.given.values
}

function refusal(...args: string[]): string {
  try {
    readCommandLine(args)
  } catch (error) {
    if (error instanceof TidingsError && error.code === 'invalid-setting') return error.message
    throw error
  }
  throw new Error(`not refused: ${args.join(' ')}`)
}

describe('the options of tidings serve', () => {
  it('say nothing where they are not given', () => {
    expect(given()).toEqual({})
  })

  it('have values behind a space and behind "="', () => {
    expect(given('--port', '9000', '--log=memory:', '--host=::1', '--open', '--limits-max-streams', '5')).toEqual({
      host: '::1',
      port: 9000,
      log: { kind: 'memory' },
      open: true,
      'limits.maxStreams': 5,
    })
    expect(given('--log', 'lmdb:C:\\data')).toEqual({ log: { kind: 'lmdb', directory: 'C:\\data' } })
  })

  it('let the last of two win, so that `npm start -- --no-demo` can take back what npm start asks for', () => {
    expect(given('--demo', '--no-demo', '--port', '1', '--port', '2')).toEqual({ demo: false, port: 2 })
  })

  it('are repeated for a list, and not split', () => {
    expect(given('--public-topics', 'a,b', '--public-topics', 'news/*')).toEqual({ publicTopics: ['a,b', 'news/*'] })
  })

  it('have rules of retention as JSON', () => {
    expect(given('--retention', '[{"selector": "a/**", "count": 3}]')).toEqual({
      retention: [{ selector: 'a/**', count: 3 }],
    })
  })

  it('show help whatever else is asked, with every one of them', () => {
    expect(readCommandLine(['--port', '9000', '--help'])).toBe('help')
    expect(readCommandLine(['-h'])).toBe('help')
    const help = describeSettings()
    for (const path of settingPaths) expect(help).toContain(flagOf(path).slice(2))
    expect(Math.max(...help.split('\n').map(line => line.length))).toBeLessThanOrEqual(100)
  })

  it('name the file, and ask to print', () => {
    expect(readCommandLine(['--config', 'a.json', '--print-config'])).toMatchObject({
      config: 'a.json',
      printConfig: true,
    })
  })

  it.each([
    [['--prot', '9000'], 'no option --prot. Did you mean --port?'],
    [['--max-streams', '9'], 'no option --max-streams. Did you mean --limits-max-streams?'],
    [['--no-dmeo'], 'Did you mean --no-demo?'],
    [['--frobnicate'], 'See tidings serve --help'],
    [['-p', '9000'], 'no option -p'],
    [['9000'], 'takes no argument "9000"'],
    [['--port'], '--port needs a value: --port PORT'],
    [['--port='], '--port needs a value'],
    [['--port', '80a'], '--port: "80a" is not a port'],
    [['--port', '65536'], 'from 0 to 65535'],
    [['--port', '-1'], '"-1" is not a port'],
    [['--port', '--open'], '"--open" is not a port'],
    [['--limits-max-events', '0'], '--limits-max-events: "0" is not a whole number from 1 to 1000.'],
    [
      ['--host', 'a b'],
      '--host: "a b" is not an address. Give a host name or an IP address, such as --host 127.0.0.1.',
    ],
    [['--open=yes'], 'takes no value; leave out "=yes"'],
    [['--log', 'memroy:'], '--log: "memroy:" names no log. Did you mean --log memory:?'],
    [['--log', 'memory'], 'Did you mean --log memory:?'],
    [['--log', 'memory:x'], 'has no place; write --log memory: instead'],
    [['--log', 'lmdb:'], 'lacks its directory; write it behind the colon, such as --log lmdb:.tidings.'],
    [['--log', 'lmbd:data'], 'Did you mean --log lmdb:data?'],
    [['--log', './data'], '--log lmdb:./data'],
    [['--log', 'postgres:x'], 'Write --log lmdb:DIRECTORY or --log memory:'],
    [['--durability', 'maybe'], '--durability: "maybe" is not one of commit, async.'],
    [['--log-level', 'loud'], '--log-level: "loud" is not one of trace, debug,'],
    [['--allowed-origins', 'https://a/'], '--allowed-origins: is an origin as browsers send it'],
    [['--public-topics', 'a*'], '--public-topics: is a selector, not "a*"'],
    [['--retention', 'all'], '--retention: "all" is no JSON; write rules like [{"selector"'],
    [['--retention', '{}'], '--retention: {} is no list of rules'],
    [['--retention', '[{"selector":"a"},{"selector":"b","ageMs":-1}]'], '--retention: retention[1].ageMs is a whole'],
    [
      ['--retention', '[{"selector":"a","agems":1}]'],
      '--retention: retention[0].agems is unknown; a rule has selector',
    ],
  ])('say what is wrong with %j and what to write', (args, message) => {
    expect(refusal(...args)).toContain(message)
  })

  it('do not show a secret that is none', () => {
    const message = refusal('--metrics-token', 'hunter 2')
    expect(message).toContain('--metrics-token: is not 8 to 512 letters')
    expect(message).not.toContain('hunter')
  })
})
