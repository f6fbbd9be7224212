import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { type Block, blocksOf } from './document.js'
import type { HubProcess } from './hub-process.js'
import { requireProgram } from './programs.js'

const curl = requireProgram('curl', 'apt-get install curl')
const entry = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** What a block of shell lines says of itself behind `sh`. */
const kinds = {
  /** Ends by itself, and well. */
  run: 'runs',
  /** Is given the beginning of a stream, and goes on until it is ended. */
  listen: 'hears',
  /** Is answered with a problem document. */
  refused: 'is refused',
  /** `npm start -- ...`: a hub takes what is behind it. */
  hub: 'is how a hub is started',
} as const

type Kind = keyof typeof kinds

/** The shell blocks of a document that say what they are. */
export function shellBlocks(document: string): readonly (Block & { readonly says: Kind })[] {
  return blocksOf(document).filter(
    (block): block is Block & { readonly says: Kind } => block.language === 'sh' && block.says in kinds,
  )
}

/**
 * A test for each of them, in their order, against one hub that is called 127.0.0.1:8080 in the document. The JSON of a block
 * `json config` is the file `hub.json` to what follows it.
 */
export function tryBlocks(document: string, hub: () => HubProcess): void {
  let home = ''
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'tidings-document-'))
    // curl takes a refusal for a success otherwise.
    await writeFile(join(home, '.curlrc'), 'fail-with-body\nsilent\nshow-error\n')
    // In a folder where the package is installed, npx runs its program.
    await mkdir(join(home, 'bin'))
    await writeFile(join(home, 'bin', 'npx'), `#!/bin/sh\nshift\nexec "${process.execPath}" "${entry}" "$@"\n`, {
      mode: 0o755,
    })
    const config = blocksOf(document).find(({ says }) => says === 'config')
    if (config) await writeFile(join(home, 'hub.json'), config.code)
  })
  afterAll(() => rm(home, { recursive: true, force: true }))

  const name = ({ says, code }: Block & { readonly says: Kind }): string => `${kinds[says]}: ${code.trim()}`
  for (const block of shellBlocks(document)) {
    it.skipIf(!curl)(name(block), async () => {
      if (block.says === 'hub') {
        const args = /^npm start -- ([^\n]*)\n$/.exec(block.code)?.[1] ?? ''
        expect(args).not.toBe('')
        const child = start(`npx tidings serve ${args} --print-config`, home, hub().url)
        expect(await child.ended).toBe(0)
        return
      }
      const code = block.code.replaceAll(/(127\.0\.0\.1|localhost):8080/g, `$1:${hub().port}`)
      const child = start(code, home, hub().url)
      if (block.says === 'listen') {
        await child.until(/^event: \$cursor\ndata:|"type":"\$cursor"/m)
        child.end()
        await child.ended
      } else if (block.says === 'refused') {
        expect(await child.ended).not.toBe(0)
        expect(child.output()).toMatch(/"code":"[a-z-]+"/)
      } else {
        const code = await child.ended
        expect({ code, output: child.output() }).toMatchObject({ code: 0 })
      }
    })
  }
}

interface Script {
  readonly ended: Promise<number | null>
  output(): string
  /** Resolves when the output has `pattern`; rejects with it if the script ends before. */
  until(pattern: RegExp): Promise<void>
  end(): void
}

function start(script: string, home: string, url: string): Script {
  const child: ChildProcess = spawn('sh', ['-c', script], {
    cwd: home,
    env: { ...process.env, CURL_HOME: home, TIDINGS_URL: url, PATH: `${home}/bin${delimiter}${process.env['PATH']}` },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const signal = (name: NodeJS.Signals): void => {
    const isOver = child.exitCode !== null || child.signalCode !== null
    if (child.pid !== undefined && !isOver) process.kill(-child.pid, name)
  }
  onTestFinished(() => signal('SIGKILL'))
  let output = ''
  let look = (): void => undefined
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
      look()
    })
  }
  const ended = new Promise<number | null>(resolve => child.once('close', code => resolve(code)))
  return {
    ended,
    output: () => output,
    until: pattern =>
      new Promise((resolve, reject) => {
        look = () => {
          if (pattern.test(output)) resolve()
        }
        look()
        void ended.then(code => reject(new Error(`It ended with ${code} before ${pattern}:\n${output}`)))
      }),
    end: () => signal('SIGTERM'),
  }
}
