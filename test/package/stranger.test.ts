import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run, settle } from '../support/command-line.js'
import { requireProgram } from '../support/programs.js'

const git = requireProgram('git', 'apt-get install git')
const curl = requireProgram('curl', 'apt-get install curl')
const root = fileURLToPath(new URL('../..', import.meta.url))

function script(call: string): string {
  return `import { build, checkNode, isInstalled } from './scripts/set-up.mjs'\n${call}`
}

describe.skipIf(!git || !curl)('a stranger with a fresh clone', () => {
  let clone = ''

  beforeAll(async () => {
    clone = join(await mkdtemp(join(tmpdir(), 'tidings-stranger-')), 'tidings')
    execFileSync('git', ['clone', '--quiet', root, clone])
  })
  afterAll(async () => {
    await rm(join(clone, '..'), { recursive: true, force: true })
  })

  it('runs the hub with one command, and pastes what it prints', async () => {
    const hub = run('npm', ['start', '--', '--port', '0'], clone)
    await hub.until(/^Listening on http:\/\/127\.0\.0\.1:\d+$[\s\S]*\n\n$/m)
    expect(hub.output()).toMatch(/^Installing packages .*\n[\s\S]*^Building .*$/m)
    expect(hub.output()).toContain(`Log in lmdb:${join(clone, '.tidings')}`)
    expect(existsSync(join(clone, '.tidings'))).toBe(true)

    const [subscribe = '', publish = '', page = ''] = [...hub.output().matchAll(/^ {2}(\S.*)$/gm)].map(
      ([, line]) => line,
    )
    const reader = run('sh', ['-c', subscribe], clone)
    await reader.until(/^event: \$cursor$/m)
    const publisher = run('sh', ['-c', publish], clone)
    expect(await publisher.ended).toBe(0)
    await reader.until(/^data: Hello$/m)
    expect(await (await fetch(page)).text()).toContain('<title>Tidings</title>')

    // Ctrl+C: the terminal signals all, and npm passes it on once more.
    hub.signalAll('SIGINT')
    await hub.ended
    await reader.ended
    expect(hub.output()).toMatch(/SIGINT: .*\n[\s\S]*^Ended\.$/m)
  }, 180_000)

  it('has it again at once, and ends it with a signal to npm alone', async () => {
    const began = performance.now()
    const hub = run('npm', ['start', '--', '--port', '0', '--no-demo'], clone)
    await hub.until(/^Listening on /m)
    const tookMs = performance.now() - began
    expect(hub.output()).not.toMatch(/Installing|Building/)
    // Two seconds on a quiet machine; here other suites run beside.
    expect(tookMs).toBeLessThan(6_000)
    hub.signalFirst('SIGTERM')
    await hub.ended
    expect(hub.output()).toMatch(/^Ended\.$/m)
  }, 30_000)

  it('has what is missing or stale set up again, and nothing else', async () => {
    const setUp = (call: string): Promise<string> =>
      settle(run('node', ['--input-type=module', '-e', script(call)], clone))
    expect(await setUp('build()')).toBe('')
    await rm(join(clone, 'dist/cli/main.js'))
    expect(await setUp('build()')).toContain('Building')
    expect(existsSync(join(clone, 'dist/cli/main.js'))).toBe(true)
    await appendFile(join(clone, 'src/cli/main.ts'), '// changed\n')
    expect(await setUp('build()')).toContain('Building')
    expect(await readFile(join(clone, 'dist/cli/main.js'), 'utf8')).toContain('// changed')

    expect(await setUp('console.log(isInstalled())')).toBe('true\n')
    const note = join(clone, 'node_modules/.package-lock.json')
    const written = await readFile(note, 'utf8')
    await writeFile(note, written.replace(/("node_modules\/lmdb": {\s*"version": )"[^"]*"/, '$1"0.0.1"'))
    expect(await setUp('console.log(isInstalled())')).toBe('false\n')
    await rm(note)
    expect(await setUp('console.log(isInstalled())')).toBe('false\n')

    expect(await setUp("try { checkNode('20.18.9') } catch (error) { console.log(error.message) }")).toMatch(
      /^Tidings needs Node\.js 20\.19 or newer, and this is 20\.18\.9/,
    )
    expect(await setUp("checkNode('20.19.0'); checkNode('22.0.0')")).toBe('')
  }, 60_000)

  it('packs the whole package, built from what is there today', async () => {
    const pack = async (): Promise<readonly string[]> => {
      const said = await settle(run('npm', ['pack', '--dry-run', '--json', '--silent'], clone))
      return [...said.matchAll(/"path": "([^"]+)"/g)].map(([, path = '']) => path)
    }
    await rm(join(clone, 'dist'), { recursive: true })
    const packed = await pack()
    expect(packed).toEqual(expect.arrayContaining(['dist/cli/main.js', 'dist/entry/index.js', 'dist/entry/index.d.ts']))
    await writeFile(join(clone, 'dist', 'removed-long-ago.js'), '')
    expect(await pack()).toEqual(packed)
  }, 60_000)
})
