// Who is measured: how each is started, and on which paths it is spoken to.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compile, compiler } from './generator.mjs'
import { cpuMs, freePort, listens, memory, start } from './processes.mjs'
import { nchanModule, nchanSettings } from './servers/nchan.mjs'

const hub = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
/** @param {string} name */
const own = name => fileURLToPath(new URL(`servers/${name}.mjs`, import.meta.url))

/**
 * @typedef {object} Server
 * @property {string} title as tables call it
 * @property {(place: { port: number, folder: string }) => readonly string[]} command
 * @property {() => string | undefined} [lacks] why it cannot be had on this machine
 * @property {string} [publishAt] the folder of the paths that are published to; default: `/events/`
 * @property {boolean} [isTls] speaks that
 * @property {string} [readyAt] a path that is answered once it is ready; default: it takes connections
 */

/** @param {string} name */
const node = name => ({
  /** @param {{ port: number }} place */
  command: ({ port }) => [process.execPath, own(name), String(port)],
})

const lacksOpenssl = () => (spawnSync('openssl', ['version']).status === 0 ? undefined : 'openssl is not installed')

/** Files of a certificate and its key. @param {string} folder @returns {[cert: string, key: string]} */
function makeCertificate(folder) {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  const made = ['-nodes', '-days', '2', '-subj', '/CN=localhost', '-keyout', key, '-out', cert]
  const { status, stderr } = spawnSync('openssl', ['req', '-x509', ...curve, ...made], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`openssl makes no certificate. ${stderr}`)
  return [cert, key]
}

/** @type {Readonly<Record<string, Server>>} */
export const servers = {
  floor: {
    title: 'C floor: bare `send()`',
    command: ({ port }) => [compile('floor') ?? '', String(port)],
    lacks: () => (compiler ? undefined : 'there is no C compiler'),
  },
  hub: {
    title: '**Tidings**, log in memory',
    command: ({ port }) => [process.execPath, hub, 'serve', '--port', String(port), '--log', 'memory:'],
    readyAt: '/healthz',
  },
  'hub-lmdb': {
    title: '**Tidings**, log in LMDB',
    command: ({ port, folder }) => [
      process.execPath,
      hub,
      'serve',
      '--port',
      String(port),
      '--log',
      `lmdb:${folder}/log`,
    ],
    readyAt: '/healthz',
  },
  nchan: {
    title: 'nchan (nginx)',
    command({ port, folder }) {
      const settings = join(folder, 'nginx.conf')
      writeFileSync(settings, nchanSettings({ port, folder, maxConnections: maxDescriptors() }))
      return ['nginx', '-p', folder, '-c', settings]
    },
    lacks: () =>
      spawnSync('nginx', ['-v']).status === 0 && existsSync(nchanModule)
        ? undefined
        : 'nginx with its module nchan is not installed (Debian: libnginx-mod-nchan)',
    publishAt: '/publish/',
  },
  'socket-write': { title: 'Node.js `net`, bare `socket.write`', ...node('socket-write') },
  'res-write': { title: 'Node.js `res.write`, one Buffer', ...node('res-write') },
  'res-gzip': { title: 'Node.js `res.write`, a `createGzip` for each', ...node('res-gzip') },
  'fastify-sse': { title: '@fastify/sse', ...node('fastify-sse') },
  express: { title: 'Express, as in tutorials', ...node('express') },
  'better-sse': { title: 'better-sse', ...node('better-sse') },
  'tls-write': {
    title: 'Node.js `tls`, bare writes',
    command: ({ port, folder }) => [process.execPath, own('socket-write'), String(port), ...makeCertificate(folder)],
    lacks: lacksOpenssl,
    isTls: true,
  },
  'hub-tls': {
    title: '**Tidings** with a certificate',
    command({ port, folder }) {
      const [cert, key] = makeCertificate(folder)
      const where = ['--port', String(port), '--log', 'memory:']
      return [process.execPath, hub, 'serve', ...where, '--tls-cert', cert, '--tls-key', key]
    },
    lacks: lacksOpenssl,
    isTls: true,
  },
  echo: { title: 'Node.js `http`, an echo', ...node('echo') },
}

/** How many descriptors a process may hold here. */
export function maxDescriptors() {
  const [, hard] = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  return Number(hard ?? 1024)
}

/**
 * A server that runs.
 *
 * @typedef {object} Running
 * @property {string} name
 * @property {Server} server
 * @property {number} port
 * @property {number} pid
 * @property {number} startMs from its start to its first answer, or to where it took a connection
 * @property {(topic: string) => string} events the path that is read
 * @property {(topic: string) => string} publish the path that is published to
 * @property {() => number} cpuMs of the process and all that descend from it
 * @property {() => { pss: number, rss: number, peakRss: number }} memory of the same
 * @property {() => Promise<void>} end
 */

/**
 * Starts a server on its core, and resolves when it is ready. Rejects if it does not get there.
 *
 * @param {string} name
 * @param {{ core?: number | undefined, args?: readonly string[] }} [options]
 * @returns {Promise<Running>}
 */
export async function startServer(name, { core, args = [] } = {}) {
  const server = servers[name]
  if (server === undefined) throw new Error(`no server ${name}`)
  const folder = mkdtempSync(join(tmpdir(), 'tidings-bench-'))
  const port = await freePort()
  const begin = performance.now()
  const started = start([...server.command({ port, folder }), ...args], { core })
  started.child.stdout?.resume()
  const end = async () => {
    await started.end()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await listens(started, port)
    if (server.readyAt) await fetch(`http://127.0.0.1:${port}${server.readyAt}`).then(answer => answer.text())
  } catch (error) {
    await end()
    throw error
  }
  return {
    name,
    server,
    port,
    pid: started.pid,
    startMs: performance.now() - begin,
    events: topic => `/events/${topic}`,
    publish: topic => `${server.publishAt ?? '/events/'}${topic}`,
    cpuMs: () => cpuMs(started.pid),
    memory: () => memory(started.pid),
    end,
  }
}
