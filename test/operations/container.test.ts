import { execFile, spawn } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { freePort, toLogLines } from '../support/hub-process.js'
import { packInto } from '../support/package.js'
import { requireProgram } from '../support/programs.js'
import { makeRootfs } from './rootfs.js'

const execute = promisify(execFile)
const source = fileURLToPath(new URL('../../operations/container/', import.meta.url))
const buildah = requireProgram('buildah', 'apt-get install buildah')
const unshare = requireProgram('unshare', 'apt-get install util-linux')
const isRoot = process.getuid?.() === 0

interface Config {
  readonly User: string
  readonly Env: readonly string[]
  readonly Entrypoint: readonly string[]
  readonly Cmd: readonly string[]
  readonly Volumes: Readonly<Record<string, unknown>>
  readonly ExposedPorts: Readonly<Record<string, unknown>>
  readonly WorkingDir: string
  readonly StopSignal: string
  readonly Healthcheck: { readonly Test: readonly string[]; readonly Timeout: number }
}

describe('the Containerfile', () => {
  it('tells commands that name files which there are', async () => {
    const text = await readFile(join(source, 'Containerfile'), 'utf8')
    expect(text).toContain('--file operations/container/Containerfile')
    expect(text).toContain('npm pack --pack-destination operations/container')
    expect(await readFile(join(source, '.containerignore'), 'utf8')).toBe('*\n!tidings-*.tgz\n')
  })
})

// Without a registry and without a service: the base is made of this machine's files, and each step runs in a chroot, which takes root.
describe.skipIf(!buildah || !unshare || !isRoot || process.platform !== 'linux')('the image', () => {
  let directory = ''
  let root = ''
  let config: Config

  const build = async (...args: readonly string[]): Promise<string> => {
    const store = ['--root', join(directory, 'store'), '--runroot', join(directory, 'run'), '--storage-driver', 'vfs']
    return (await execute(buildah ?? '', [...store, ...args])).stdout.trim()
  }

  /** What would be run in a container of the image: in its file system, as its user, as process 1. */
  function start(environment: Readonly<Record<string, string>>, command: readonly string[]) {
    const [uid = '', gid = ''] = config.User.split(':')
    const own = Object.fromEntries(config.Env.map(text => [text.split('=')[0] ?? '', text.replace(/^[^=]*=/, '')]))
    const isolated = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', `--root=${root}`]
    const args = [...isolated, `--wd=${config.WorkingDir}`, `--setuid=${uid}`, `--setgid=${gid}`, ...command]
    const child = spawn(unshare ?? '', args, { env: { ...own, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    const said = { out: '', errors: '' }
    child.stdout.on('data', (text: Buffer) => {
      said.out += text.toString()
    })
    child.stderr.on('data', (text: Buffer) => {
      said.errors += text.toString()
    })
    const ended = new Promise<number | null>(resolve => child.once('close', resolve))
    /** To process 1 of the container, as `docker stop` sends it. */
    const signal = async (name: NodeJS.Signals): Promise<void> => {
      const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
      process.kill(Number(children.trim()), name)
    }
    return { said, ended, signal }
  }

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidings-container-'))
    const [base, context] = [join(directory, 'base'), join(directory, 'context')]
    await makeRootfs(base)
    await writeFile(join(directory, 'Base'), 'FROM scratch\nCOPY . /\n')
    await build(
      'bud',
      '--quiet',
      '--isolation',
      'chroot',
      '--tag',
      'localhost/base',
      '--file',
      join(directory, 'Base'),
      base,
    )
    await mkdir(context)
    await packInto(context)
    for (const name of ['Containerfile', '.containerignore']) await copyFile(join(source, name), join(context, name))
    const cache = (await execute('npm', ['config', 'get', 'cache'])).stdout.trim()
    await mkdir(cache, { recursive: true })
    await build(
      'bud',
      ...['--quiet', '--format', 'docker', '--isolation', 'chroot', '--volume', `${cache}:/npm-cache:rw`],
      ...['--build-arg', 'BASE=localhost/base', '--tag', 'localhost/tidings'],
      ...['--file', join(context, 'Containerfile'), context],
    )
    const container = await build('from', 'localhost/tidings')
    root = await build('mount', container)
    const inspected: { Docker: { config: Config } } = JSON.parse(await build('inspect', container))
    config = inspected.Docker.config
  }, 240_000)

  afterAll(() => rm(directory, { recursive: true, force: true }))

  it('runs the hub itself, not as root, with its log on a volume', () => {
    expect(config).toMatchObject({
      User: '10001:10001',
      Entrypoint: ['node', '/opt/tidings/node_modules/tidings/dist/cli/main.js'],
      Cmd: ['serve'],
      Volumes: { '/var/lib/tidings': {} },
      ExposedPorts: { '8080/tcp': {} },
      StopSignal: 'SIGTERM',
    })
    expect(config.Env).toContain('TIDINGS_LOG=lmdb:/var/lib/tidings')
    expect(config.Healthcheck.Test.slice(0, 3)).toEqual(['CMD', 'node', '-e'])
  })

  it('opens itself to nobody unless it is told to', async () => {
    const { ended, said } = start({}, [...config.Entrypoint, ...config.Cmd])
    expect(await ended).toBe(2)
    expect(said.errors).toContain('set "open" (--open) if that is meant')
  })

  it('answers, is healthy, drains at SIGTERM as process 1, and keeps its log', async () => {
    const port = String(await freePort())
    const url = `http://127.0.0.1:${port}`
    const environment = { TIDINGS_OPEN: 'true', TIDINGS_PORT: port }
    const check = () => start(environment, config.Healthcheck.Test.slice(1)).ended
    for (const said of ['before', 'after']) {
      const hub = start(environment, [...config.Entrypoint, ...config.Cmd])
      await vi.waitFor(() => expect(hub.said.out).toContain('Listening on'), { timeout: 20_000, interval: 50 })
      expect(toLogLines(hub.said.errors)[0]).toMatchObject({ pid: 1 })
      expect(await check()).toBe(0)
      expect((await fetch(`${url}/events/news`, { method: 'POST', body: said })).status).toBe(200)
      const page = await fetch(`${url}/events/news`, { headers: { accept: 'application/json' } })
      const { events } = (await page.json()) as { events: { data: string }[] }
      expect(events.map(({ data }) => data)).toEqual(said === 'before' ? ['before'] : ['before', 'after'])
      await hub.signal('SIGTERM')
      expect(await hub.ended).toBe(0)
      expect(hub.said.errors).toContain('SIGTERM: ending')
      expect(await check()).toBe(1)
    }
  }, 60_000)
})
