import { type ChildProcess, spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { blocksOf, readDocument } from './document.js'
import { freePort } from './hub-process.js'
import type { RuntimeCommand } from './runtimes.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The blocks of a document that say `program NAME`, by name. */
export async function programsOf(document: string): Promise<ReadonlyMap<string, string>> {
  const found = blocksOf(await readDocument(document)).map(({ says, code }) => {
    return [/^program (\S+)$/.exec(says)?.[1], code] as const
  })
  return new Map(found.filter((entry): entry is [string, string] => entry[0] !== undefined))
}

/** A folder of an application that has installed this package, as it was built, and others. */
export class ApplicationFolder {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /** @param packages Linked as they are in this repository. @param within What is installed there is found too. */
  static async make(packages: readonly string[], within: string = tmpdir()): Promise<ApplicationFolder> {
    const folder = new ApplicationFolder(await mkdtemp(join(within, 'tidings-application-')))
    await folder.write('package.json', '{ "type": "module" }\n')
    // A copy, since some runtimes take what is linked for the application's own code.
    for (const name of ['package.json', 'dist']) {
      await cp(join(root, name), join(folder.path, 'node_modules/tidings', name), { recursive: true })
    }
    for (const name of packages) {
      const link = join(folder.path, 'node_modules', name)
      await mkdir(dirname(link), { recursive: true })
      await symlink(join(root, 'node_modules', name), link, 'junction')
    }
    return folder
  }

  async write(name: string, code: string): Promise<string> {
    const file = join(this.path, name)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, code)
    return file
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true, force: true })
  }
}

/** A program that runs until the test is over. */
export interface RunningProgram {
  readonly child: ChildProcess
  /** Both streams. */
  readonly said: { output: string }
  readonly ended: Promise<number | null>
}

export function startProgram(
  [program, ...args]: RuntimeCommand,
  cwd: string,
  env: NodeJS.ProcessEnv = process.env,
): RunningProgram {
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said = { output: '' }
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said.output += text
    })
  }
  return { child, said, ended: new Promise(resolve => child.once('close', resolve)) }
}

/** Runs a program of a document that listens on port 8080, on a free one. */
export async function startListening(
  folder: ApplicationFolder,
  name: string,
  code: string,
  command: RuntimeCommand = [process.execPath],
): Promise<RunningProgram & { readonly url: string }> {
  const port = await freePort()
  const file = await folder.write(name, code.replace('8080', String(port)))
  return { url: `http://127.0.0.1:${port}`, ...startProgram([...command, file], folder.path) }
}
