import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, posix, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const manifest: { readonly imports: Readonly<Record<string, Readonly<Record<string, string>>>> } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
)

/** Each part, and the parts that it may import. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  wire: [],
  client: ['wire'],
  react: ['client'],
  log: ['wire'],
  'log/lmdb': ['wire', 'log'],
  hub: ['wire', 'log'],
  http: ['wire', 'hub'],
  app: ['wire', 'log', 'hub', 'http'],
  entry: ['wire', 'client', 'react', 'log', 'log/lmdb', 'hub', 'http', 'app'],
  cli: ['wire', 'log', 'log/lmdb', 'hub', 'http'],
}
const parts = Object.keys(arrows)

/** Each package, and the folder or file that may import it: a driver's, and what the program itself needs. */
const packages: Readonly<Record<string, string>> = {
  lmdb: 'src/log/lmdb/',
  'node-forge': 'src/cli/serve/dev-certificate.ts',
  pino: 'src/cli/logger.ts',
  'prom-client': 'src/cli/serve/metrics.ts',
  react: 'src/react/',
  ws: 'src/http/websocket/',
}

describe('the compiler', () => {
  let layout = ''
  let errors: readonly { readonly file: string; readonly code: string }[] = []

  /** Name of the file in which `from` imports `to`. */
  const probe = (from: string, to: string): string => `src/${from}/imports-${to.replaceAll(/\W/g, '-')}.ts`

  // The parts as they are laid out, with nothing in them but one import for every pair.
  beforeAll(async () => {
    layout = await mkdtemp(join(tmpdir(), 'tidings-arrows-'))
    await cp(join(root, 'tsconfig.base.json'), join(layout, 'tsconfig.base.json'))
    await symlink(join(root, 'node_modules'), join(layout, 'node_modules'), 'junction')
    await writeFile(join(layout, 'package.json'), '{ "type": "module" }\n')
    for (const part of parts) {
      await mkdir(join(layout, 'src', part), { recursive: true })
      await cp(join(root, 'src', part, 'tsconfig.json'), join(layout, 'src', part, 'tsconfig.json'))
      await writeFile(join(layout, 'src', part, 'word.ts'), 'export type Word = string\n')
      await writeFile(
        join(layout, probe(part, 'node:fs')),
        "import type { Stats } from 'node:fs'\nexport type Heard = Stats\n",
      )
      for (const other of parts) {
        if (other === part) continue
        const path = posix.relative(`src/${part}`, `src/${other}/word.js`)
        const text = `import type { Word } from '${path.startsWith('.') ? path : `./${path}`}'\nexport type Heard = Word\n`
        await writeFile(join(layout, probe(part, other)), text)
      }
    }
    const references = parts.map(part => ({ path: `src/${part}` }))
    await writeFile(join(layout, 'tsconfig.json'), JSON.stringify({ files: [], references }))
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    // One project at a time: a part that imports what it may not writes the output of that too, and another part that
    // reads this output at that moment finds an empty file (seen in one run of a hundred).
    const args = [tsc, '-b', '--builders', '1', '--pretty', 'false']
    const { stdout } = spawnSync(process.execPath, args, { cwd: layout, encoding: 'utf8' })
    errors = [...stdout.matchAll(/^(\S+)\(\d+,\d+\): error (TS\d+):/gm)].map(([, file = '', code = '']) => ({
      file,
      code,
    }))
  }, 60_000)

  afterAll(() => rm(layout, { recursive: true, force: true }))

  for (const from of parts) {
    for (const to of parts.filter(part => part !== from)) {
      // What a part's references refer to is open to it too; of that, the imports below are read.
      const isAllowed = arrows[from]?.some(part => part === to || arrows[part]?.includes(to))
      it(`${isAllowed ? 'lets' : 'does not let'} ${from} import ${to}`, () => {
        const codes = errors.filter(({ file }) => file === probe(from, to)).map(({ code }) => code)
        // TS6307: the file belongs to no project that this one refers to.
        expect(codes).toEqual(isAllowed ? [] : ['TS6307'])
      })
    }
  }

  it('lets no name of Node.js into wire and client, which browsers run too', () => {
    const files = errors.map(({ file }) => file)
    expect(files).toContain(probe('wire', 'node:fs'))
    expect(files).toContain(probe('client', 'node:fs'))
    expect(files).not.toContain(probe('hub', 'node:fs'))
  })
})

describe('the imports of src', () => {
  /** What an import by a condition may be: paths from the root. */
  const byCondition = new Map<string, readonly string[]>(
    Object.entries(manifest.imports).map(([name, targets]) => [
      name,
      Object.values(targets).map(target => target.replace('./dist/', 'src/').replace(/\.js$/, '.ts')),
    ]),
  )
  /** Every file of src that is compiled, with what it imports: a path from the root, or a package. Types included. */
  const imports = new Map<string, readonly string[]>()

  beforeAll(async () => {
    for (const name of await readdir(join(root, 'src'), { recursive: true })) {
      if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue
      const path = join(root, 'src', name)
      const specifiers = importsOf(await readFile(path, 'utf8')).flatMap(
        specifier => byCondition.get(specifier) ?? specifier,
      )
      imports.set(
        toPosix(relative(root, path)),
        specifiers.map(specifier =>
          specifier.startsWith('.')
            ? toPosix(relative(root, join(dirname(path), specifier))).replace(/\.js$/, '.ts')
            : specifier,
        ),
      )
    }
  })

  it('are found in every form', () => {
    const source = `
import a from './a.js'
import type { B,
  C } from "./b.js"
export * from './c.js'
export { d } from './d.js'
import './e.js'
const f = await import('./f.js')
type G = typeof import('./g.js')
`
    expect(importsOf(source)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(name => `./${name}.js`))
  })

  it('stay inside of src', () => {
    const outside = [...imports].flatMap(([file, targets]) =>
      targets.filter(target => isPath(target) && !imports.has(target)).map(target => `${file} imports ${target}`),
    )
    expect(outside).toEqual([])
  })

  it('follow the arrows', () => {
    const astray = [...imports].flatMap(([file, targets]) => {
      const from = partOf(file)
      return targets
        .filter(target => isPath(target) && partOf(target) !== from && !arrows[from]?.includes(partOf(target)))
        .map(target => `${file} imports ${target}`)
    })
    expect(astray).toEqual([])
  })

  it('name no package but in the one place that is for it', () => {
    const astray = [...imports].flatMap(([file, targets]) =>
      targets
        .filter(target => !isPath(target) && !target.startsWith('node:'))
        .filter(target => !file.startsWith(packages[target] ?? 'nowhere'))
        .map(target => `${file} imports ${target}`),
    )
    expect(astray).toEqual([])
  })

  it('make no cycle', () => {
    expect(findCycle(imports)).toBeUndefined()
  })

  it('would show a cycle', () => {
    const cyclic = new Map([
      ['a', ['b', 'c']],
      ['b', []],
      ['c', ['d']],
      ['d', ['a']],
    ])
    expect(findCycle(cyclic)).toEqual(['a', 'c', 'd', 'a'])
  })
})

function importsOf(source: string): readonly string[] {
  const code = source.replaceAll(/^\s*(\/\/|\*|\/\*).*$/gm, '')
  const forms = /(?:\bfrom\s*|\bimport\s*\(\s*|^\s*import\s*)(['"])([^'"\n]+)\1/gm
  return [...code.matchAll(forms)].map(match => match[2] ?? '')
}

function isPath(target: string): boolean {
  return target.startsWith('src/') || target.startsWith('..') || target.endsWith('.ts')
}

/** The innermost part that a file of src is in. */
function partOf(file: string): string {
  const within = parts.filter(part => file.startsWith(`src/${part}/`))
  return within.reduce((inner, part) => (part.length > inner.length ? part : inner), '')
}

function toPosix(path: string): string {
  return path.replaceAll('\\', '/')
}

/** Files each of which imports the next, the last one being the first; nothing if there is no such ring. */
function findCycle(graph: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): readonly string[] | undefined => {
    const at = path.indexOf(file)
    if (at >= 0) return [...path.slice(at), file]
    if (done.has(file)) return undefined
    for (const target of graph.get(file) ?? []) {
      const cycle = visit(target, [...path, file])
      if (cycle) return cycle
    }
    done.add(file)
    return undefined
  }
  for (const file of graph.keys()) {
    const cycle = visit(file, [])
    if (cycle) return cycle
  }
  return undefined
}
