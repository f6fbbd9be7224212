import { existsSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run, settle } from '../support/command-line.js'
import { installInto, measureInstalled, packInto } from '../support/package.js'
import { subpaths, toExports } from './subpaths.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const mib = 1024 * 1024

/** The `node` programs to run the package with: those that `TEST_NODES` lists as `PATH` does, or this one. */
const nodes = process.env['TEST_NODES']?.split(delimiter) ?? [process.execPath]

let directory = ''
let tarball = ''
/** Folders in which it is installed with all that it can use, and without what is optional. */
let full = ''
let lean = ''

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-tarball-'))
  tarball = await packInto(directory)
  full = join(directory, 'full')
  lean = join(directory, 'lean')
  await installInto(full, tarball)
  await installInto(lean, tarball, '--omit=optional')
  // A peer, which those have who use its subpath.
  await symlink(join(root, 'node_modules', 'react'), join(full, 'node_modules', 'react'), 'junction')
}, 120_000)
afterAll(() => rm(directory, { recursive: true, force: true }))

const packed = (path: string): string => join(lean, 'node_modules', 'tidings', path)

describe('the tarball', () => {
  it('holds what is run and what is told, and no more', async () => {
    const known =
      /^(?:package\.json|README(?:\.ko)?\.md|LICENSE|CHANGELOG\.md|console\/[\w-]+\.(?:html|js|css|svg)|dist\/browser\/tidings\.js|dist\/(.+)\.(?:js|d\.ts))$/
    const found = await readdir(packed(''), { recursive: true, withFileTypes: true })
    const files = found
      .filter(entry => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(packed('/').length).replaceAll('\\', '/'))
    expect(files.filter(file => !known.test(file))).toEqual([])
    const sourceless = files.filter(file => {
      const stem = known.exec(file)?.[1]
      return stem !== undefined && !existsSync(join(root, 'src', `${stem}.ts`))
    })
    expect(sourceless).toEqual([])
    expect(files).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'CHANGELOG.md', 'dist/browser/tidings.js']))
  })

  it('runs nothing when it is installed', async () => {
    const { scripts } = JSON.parse(await readFile(packed('package.json'), 'utf8'))
    for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) expect(scripts).not.toHaveProperty(name)
  })

  it('has the subpaths of the list', async () => {
    expect(JSON.parse(await readFile(packed('package.json'), 'utf8')).exports).toEqual(toExports())
  })

  it('is what publint asks for', async () => {
    expect((await publint({ pkgDir: packed(''), strict: true, pack: false })).messages).toEqual([])
  })

  it('has types that resolve as its modules do', async () => {
    const result = await checkPackage(createPackageFromTarballData(await readFile(tarball)))
    if (!result.types) throw new Error('no types')
    // CommonJS may require it in every Node.js that it runs in (below); what resolved before `exports` were is older than it.
    const olden = new Set(['node10', 'node16-cjs'])
    expect(
      result.problems.filter(problem => !('resolutionKind' in problem && olden.has(problem.resolutionKind))),
    ).toEqual([])
    expect(Object.keys(result.entrypoints).sort()).toEqual(Object.keys(toExports()).sort())
  })

  it.each([
    ['nodenext', 'nodenext'],
    ['bundler', 'esnext'],
  ])('compiles an application, checked to the last declaration (%s)', async (moduleResolution, module) => {
    const project = join(lean, `application-${moduleResolution}`)
    await cp(join(root, 'test', 'package', 'fixture'), project, { recursive: true })
    const compilerOptions = { module, moduleResolution, target: 'es2023', strict: true, skipLibCheck: false, types: [] }
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    expect(await settle(run(process.execPath, [tsc, '-p', project], lean))).toBe('')
    const script = `
      import { codeOf, hearOne, readEvents, startApplication } from './application.js'
      for (const directory of [undefined, 'log-${moduleResolution}']) {
        const application = await startApplication(directory).catch(codeOf)
        if (typeof application === 'string') { console.log(application); continue }
        await application.publish({ topic: 'news', data: 'Hello' })
        const heard = await (await fetch(application.url + '/events/news', { headers: { accept: 'application/json' } })).json()
        console.log(heard.events[0].data, ...await application.newest('**'), readEvents(new TextEncoder().encode('data: 1\\n\\n'))[0].data)
        await application.close()
      }
      console.log(await hearOne('Here'))`
    await writeFile(join(project, 'run.js'), script)
    expect(await settle(run(process.execPath, [join(project, 'run.js')], lean))).toBe(
      'Hello Hello 1\ndriver-missing\nHere\n',
    )
  })

  it('gives browsers the wire format, without a name of Node.js in it', async () => {
    const code = await bundle("export * from 'tidings/wire'")
    // 6.6 kB when this was written.
    expect(code.length).toBeLessThan(8_000)
    const wire: Record<string, unknown> = await import(`data:text/javascript,${encodeURIComponent(code)}`)
    expect(Object.keys(wire).sort()).toEqual(subpaths['./wire']?.values)
  })

  it('gives browsers EventSource in 3.5 kB', async () => {
    const code = await bundle("export { EventSource } from 'tidings/client'")
    expect(gzipSync(code, { level: 9 }).length).toBeLessThanOrEqual(3_500)
    const client = await import(`data:text/javascript,${encodeURIComponent(code)}`)
    expect(client.EventSource.OPEN).toBe(1)
  })

  it('gives browsers publish in 2.9 kB', async () => {
    const code = await bundle("export { publish } from 'tidings/client'")
    expect(gzipSync(code, { level: 9 }).length).toBeLessThanOrEqual(2_900)
  })

  it('gives browsers connect with event streams and long polls in 7 kB, and what not all of them use only with its use', async () => {
    const chunks = await bundleAll("export { connect } from 'tidings/client'")
    const bytes = chunks.map(({ code }) => gzipSync(code, { level: 9 }).length)
    const [entry, ...others] = chunks.map(({ fileName }) => fileName.replace(/-[^-]*$/, ''))
    expect([entry, others.toSorted()]).toEqual(['page.js', ['extras', 'lock-keeper', 'seat', 'web-socket-transport']])
    expect(bytes[0]).toBeLessThanOrEqual(7_000)
    for (const [i, size] of bytes.slice(1).entries())
      expect(size).toBeLessThanOrEqual(others[i] === 'seat' ? 4_400 : 900)
  })

  it('gives browsers the worker of tabs that share a connection by itself', async () => {
    const chunks = await bundleAll("import { connect } from 'tidings/client'\nconnect('/events', { share: true })")
    // A worker has no page: of what the application has beside it, nothing may be in its script.
    const scripts = chunks.filter(({ code }) => code.includes('SharedWorkerGlobalScope'))
    expect(scripts.map(({ fileName }) => fileName.replace(/-[^-]*$/, ''))).toEqual(['lock-keeper'])
  })
})

/** What a bundler makes for browsers of a module that uses the package: one file, minified. */
async function bundle(source: string): Promise<string> {
  const [chunk, ...others] = await bundleAll(source)
  expect(others).toEqual([])
  return chunk?.code ?? ''
}

/** The first is what is loaded at once, the others as they are used; nothing in them is of Node.js, nor do they import one another. */
async function bundleAll(source: string): Promise<readonly { readonly fileName: string; readonly code: string }[]> {
  const input = join(lean, 'page.js')
  await writeFile(input, source)
  const bundle = await rolldown({ input, platform: 'browser', logLevel: 'silent' })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  await bundle.close()
  const chunks = output.filter(item => item.type === 'chunk')
  expect([chunks.length, chunks[0]?.fileName]).toEqual([output.length, 'page.js'])
  for (const { code, imports } of chunks) {
    expect(imports).toEqual([])
    expect(code).not.toMatch(/node:|\bprocess\b|\bBuffer\b|\brequire\b/)
  }
  return chunks
}

describe.each(Object.entries(subpaths))('the subpath %s', (subpath, { module, values, types }) => {
  const specifier = `tidings${subpath.slice(1)}`

  it('exports what the list says', async () => {
    const script = `console.log(JSON.stringify(Object.keys(await import('${specifier}')).sort()))`
    const said = await settle(run(process.execPath, ['--input-type=module', '-e', script], full))
    expect(JSON.parse(said)).toEqual(values)
    expect(namesIn(await readFile(packed(`dist/entry/${module}.d.ts`), 'utf8'))).toEqual([...values, ...types].sort())
  })

  it('can be required', async () => {
    await writeFile(join(full, 'required.cjs'), `console.log(Object.keys(require('${specifier}')).length)`)
    expect(await settle(run(process.execPath, ['--no-warnings', 'required.cjs'], full))).toBe(`${values.length}\n`)
  })
})

describe('an empty folder in which it is installed', () => {
  it('holds no more than it has to, and nothing that has to be built', async () => {
    // Measured on Linux x64, where the driver comes for four kinds of system: 30 packages of 28 MiB; without what is optional 18 of 5.6 MiB.
    const { packages, bytes, withScripts } = await measureInstalled(full)
    expect(packages).toBeLessThanOrEqual(32)
    expect(bytes).toBeLessThan(30 * mib)
    // Both come built, and work without their scripts, as everything here does.
    expect(withScripts).toEqual(['lmdb', 'msgpackr-extract'])
    const without = await measureInstalled(lean)
    expect(without.packages).toBeLessThanOrEqual(20)
    expect(without.bytes).toBeLessThan(6 * mib)
    expect(without.withScripts).toEqual([])
  })

  it('serves with `npx tidings serve`, keeping its log there', async () => {
    const hub = run('npx', ['tidings', 'serve', '--port', '0'], full)
    await expectToServe(hub)
    expect(existsSync(join(full, '.tidings', 'data.mdb'))).toBe(true)
  })

  it.each(nodes)('serves by %s', async node => {
    for (const [folder, log] of [
      [full, `lmdb:${join(directory, `log-${nodes.indexOf(node)}`)}`],
      [lean, 'memory:'],
    ] as const) {
      const main = join(folder, 'node_modules', 'tidings', 'dist', 'cli', 'main.js')
      await expectToServe(run(node, [main, 'serve', '--port', '0', '--log', log], folder))
    }
  })

  it('says what is missing where optional packages were left out', async () => {
    const hub = run('npx', ['tidings', 'serve', '--port', '0'], lean)
    expect(await hub.ended).toBe(1)
    expect(hub.output()).toContain('npm install lmdb')
    expect(hub.output()).toContain('--log memory:')
    const kept = `XDG_DATA_HOME=${join(directory, 'kept')}`
    const secure = run('env', [kept, 'npx', 'tidings', 'serve', '--port', '0', '--log', 'memory:', '--tls-dev'], lean)
    expect(await secure.ended).toBe(2)
    expect(secure.output()).toContain('npm install node-forge')
    expect(secure.output()).toContain('--tls-cert')
  })
})

/** Hears what it publishes, and ends the hub. */
async function expectToServe(hub: ReturnType<typeof run>): Promise<void> {
  const [, url] = await hub.until(/^Listening on (http:\S+)$/m)
  const stream = await fetch(`${url}/events/news`)
  const text = stream.text()
  expect((await fetch(`${url}/events/news`, { method: 'POST', body: '새 소식' })).status).toBe(200)
  hub.signalAll('SIGTERM')
  await hub.ended
  expect(await text).toContain('data: 새 소식\n')
  expect(hub.output()).toMatch(/^Ended\.$/m)
  expect(hub.output()).not.toContain('Warning')
}

/** The names that a declaration file exports. */
function namesIn(declarations: string): readonly string[] {
  const code = declarations.replaceAll(/\/\*[\s\S]*?\*\//g, '')
  const listed = [...code.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names = '']) => names.split(','))
  const declared = [...code.matchAll(/^export declare (?:function|const|class) (\w+)/gm)].map(([, name = '']) => name)
  return [...listed.map(name => name.replace(/^\s*type |\w+ as /g, '').trim()), ...declared]
    .filter(name => name !== '')
    .sort()
}
