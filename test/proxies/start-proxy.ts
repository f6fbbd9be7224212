import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeCertificate } from '../support/certificate.js'
import { freePort } from '../support/hub-process.js'
import { requireProgram } from '../support/programs.js'

const examples = fileURLToPath(new URL('../../examples/proxies/', import.meta.url))

/** A proxy, and how the configuration of `examples/proxies` runs on any machine. */
export interface ProxyKind {
  readonly name: 'nginx' | 'caddy' | 'haproxy' | 'apache'
  /** Where it is; nothing if this machine has none. */
  readonly program: string | undefined
  /** Its configuration, below `examples/proxies`. */
  readonly file: string
  /** How many streams of one HTTP/2 connection it carries at least. */
  readonly streams: number
  /** When it lets go of the hub for a reader that has left. */
  readonly leaving: 'at once' | 'at a heartbeat'
  /** Puts around the configuration what is the system's: a port, a certificate, places for files. */
  readonly adapt: (config: string, place: Place) => string
  readonly args: (file: string) => readonly string[]
}

interface Place {
  readonly directory: string
  readonly port: number
}

const apacheModules = 'mpm_event authz_core authz_host alias filter deflate ssl http2 proxy proxy_http env asis'.split(
  ' ',
)

export const proxyKinds: readonly ProxyKind[] = [
  {
    name: 'nginx',
    program: requireProgram('nginx', 'apt-get install nginx'),
    file: 'nginx/tidings.conf',
    streams: 100,
    leaving: 'at once',
    adapt: (config, { directory, port }) => `
daemon off;
pid ${directory}/pid;
error_log stderr;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${directory}/${name};`).join('\n  ')}
  gzip on;
  gzip_types *;
  ${config.replace('listen 443', `listen 127.0.0.1:${port}`)}
}`,
    args: file => ['-c', file, '-e', 'stderr'],
  },
  {
    name: 'caddy',
    program: requireProgram('caddy', 'apt-get install caddy'),
    file: 'caddy/Caddyfile',
    streams: 100,
    leaving: 'at once',
    adapt: (config, { directory, port }) =>
      `{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system ${directory}/storage\n}\n${config.replace(
        'www.example {',
        `https://127.0.0.1:${port} {\n\tencode gzip\n\ttls ${directory}/both.pem ${directory}/key.pem`,
      )}`,
    args: file => ['run', '--adapter', 'caddyfile', '--config', file],
  },
  {
    name: 'haproxy',
    program: requireProgram('haproxy', 'apt-get install haproxy'),
    file: 'haproxy/haproxy.cfg',
    streams: 100,
    leaving: 'at once',
    adapt: (config, { port }) =>
      config.replace('bind :443', `bind 127.0.0.1:${port}`).replace(/maxconn \d+/, 'maxconn 400'),
    args: file => ['-db', '-f', file],
  },
  {
    name: 'apache',
    program: requireProgram('apache2', 'apt-get install apache2'),
    file: 'apache/tidings.conf',
    streams: 6,
    leaving: 'at a heartbeat',
    adapt: (config, { directory, port }) => `
ServerRoot ${directory}
DefaultRuntimeDir ${directory}
Mutex file:${directory}
PidFile ${directory}/pid
ErrorLog "|$/bin/cat 1>&2"
User nobody
Group nogroup
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
${apacheModules.map(name => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
SetOutputFilter DEFLATE
<Directory />
  Require all denied
</Directory>
${config.replace('*:443', `127.0.0.1:${port}`).replaceAll('/etc/apache2/tidings/', `${directory}/`)}`,
    args: file => ['-D', 'FOREGROUND', '-f', file],
  },
]

export interface RunningProxy {
  readonly port: number
  /** Without a slash at the end. */
  readonly url: string
  /** What it wrote. */
  said(): string
  stop(): Promise<void>
}

/**
 * Starts a proxy before the hub at `hubPort`, by the configuration of `examples/proxies`, with a certificate of this minute. Only what a
 * machine decides is put in its place, and the times after which browsers come again are shortened. `edit` changes the configuration first.
 */
export async function startProxy(
  kind: ProxyKind,
  hubPort: number,
  edit: (config: string) => string = config => config,
): Promise<RunningProxy> {
  if (!kind.program) throw new Error(`There is no ${kind.name}.`)
  const directory = await mkdtemp(join(tmpdir(), `tidings-${kind.name}-`))
  // A proxy that gives up its rights reads here too.
  await chmod(directory, 0o755)
  const { cert, key } = await makeCertificate()
  await writeFile(join(directory, 'both.pem'), `${cert}${key}`)
  await writeFile(join(directory, 'key.pem'), key)
  await cp(join(examples, kind.file, '..'), directory, { recursive: true })
  const port = await freePort()
  const config = edit(await readFile(join(examples, kind.file), 'utf8'))
    .replaceAll('/etc/ssl/www.example.pem', join(directory, 'both.pem'))
    .replaceAll('/etc/ssl/www.example.key', join(directory, 'key.pem'))
    .replaceAll('127.0.0.1:8080', `127.0.0.1:${hubPort}`)
    .replaceAll('retry: 3000', 'retry: 500')
  const file = join(directory, 'config')
  await writeFile(file, kind.adapt(config, { directory, port }))

  const child = spawn(kind.program, [...kind.args(file)], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  let isOver = false
  const ended = new Promise<void>(resolve =>
    child.once('close', () => {
      isOver = true
      resolve()
    }),
  )
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  const killNow = () => child.kill('SIGKILL')
  process.once('exit', killNow)
  const running: RunningProxy = {
    port,
    url: `https://127.0.0.1:${port}`,
    said: () => said,
    async stop() {
      child.kill('SIGTERM')
      const timer = setTimeout(killNow, 5_000)
      await ended
      clearTimeout(timer)
      process.off('exit', killNow)
      await rm(directory, { recursive: true, force: true })
    },
  }
  const giveUpAt = Date.now() + 15_000
  while (!(await answers(port))) {
    if (isOver || Date.now() > giveUpAt) {
      await running.stop()
      throw new Error(`${kind.name} does not answer: ${said}`)
    }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return running
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const isThere = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false)
  socket.destroy()
  return isThere
}
