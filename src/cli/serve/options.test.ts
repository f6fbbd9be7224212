import { describe, expect, it } from 'vitest'
import { TidingsError } from '../../wire/errors.js'
import { describeFlags } from '../flags.js'
import { readServeOptions, serveOptions } from './options.js'

function refusal(...args: string[]): string {
  try {
    readServeOptions(args)
  } catch (error) {
    if (error instanceof TidingsError && error.code === 'invalid-setting') return error.message
    throw error
  }
  throw new Error(`not refused: ${args.join(' ')}`)
}

describe('the options of tidings serve', () => {
  it('has defaults for all', () => {
    expect(readServeOptions([])).toEqual({
      host: '127.0.0.1',
      port: 8080,
      log: { kind: 'lmdb', directory: '.tidings' },
      open: false,
      demo: false,
    })
  })

  it('reads values behind a space and behind "="', () => {
    expect(readServeOptions(['--port', '9000', '--log=memory:', '--host=::1', '--open', '--demo'])).toEqual({
      host: '::1',
      port: 9000,
      log: { kind: 'memory' },
      open: true,
      demo: true,
    })
    expect(readServeOptions(['--log', 'lmdb:C:\\data'])).toMatchObject({ log: { kind: 'lmdb', directory: 'C:\\data' } })
  })

  it('lets the last of two win, so that `npm start -- --no-demo` can take back what npm start asks for', () => {
    expect(readServeOptions(['--demo', '--no-demo', '--port', '1', '--port', '2'])).toMatchObject({
      demo: false,
      port: 2,
    })
  })

  it('shows help whatever else is asked', () => {
    expect(readServeOptions(['--port', '9000', '--help'])).toBe('help')
    expect(readServeOptions(['-h'])).toBe('help')
    for (const name of Object.keys(serveOptions)) expect(describeFlags(serveOptions)).toContain(name)
  })

  it.each([
    [['--prot', '9000'], 'no option --prot. Did you mean --port?'],
    [['--no-dmeo'], 'Did you mean --no-demo?'],
    [['--frobnicate'], 'See tidings serve --help'],
    [['-p', '9000'], 'no option -p'],
    [['9000'], 'takes no argument "9000"'],
    [['--port'], '--port needs a value: --port PORT'],
    [['--port='], '--port needs a value'],
    [['--port', '80a'], '"80a" is not a port'],
    [['--port', '65536'], 'from 0 to 65535'],
    [['--port', '-1'], '"-1" is not a port'],
    [['--port', '--open'], '"--open" is not a port'],
    [['--host', 'a b'], '"a b" is not an address'],
    [['--open=yes'], 'takes no value; leave out "=yes"'],
    [['--log', 'memroy:'], 'Did you mean --log memory:?'],
    [['--log', 'memory'], 'Did you mean --log memory:?'],
    [['--log', 'memory:x'], 'has no place'],
    [['--log', 'lmdb:'], 'lacks its directory'],
    [['--log', 'lmbd:data'], 'Did you mean --log lmdb:data?'],
    [['--log', './data'], '--log lmdb:./data'],
    [['--log', 'postgres:x'], 'Write lmdb:DIRECTORY or memory:'],
  ])('says what is wrong with %j and what to write', (args, message) => {
    expect(refusal(...args)).toContain(message)
  })
})
