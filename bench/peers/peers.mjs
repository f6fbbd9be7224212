// What is compared: a server file each, written as its documentation says. All have the same routes, so that one probe does for all:
//
//   GET  /events            a stream; data in the form that the library gives them by itself (JSON, or a text as it is)
//   GET  /text              the same, with data as they are
//   GET  /one               one answer to one request, where that is another part of the library
//   POST of the same path   publishes its body to those streams, with ?type= and ?id=, or a comment (?comment=);
//                           400 if the library refuses that
//   GET  PATH/readers       how many of them the application knows of
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { cpuMs, freePort, listens, memory, start } from '../load/processes.mjs'

const require = createRequire(import.meta.url)

/**
 * @typedef {object} Peer
 * @property {string} title
 * @property {readonly string[]} packages whose versions stand in the table
 * @property {readonly string[]} streams the paths of streams by which names and comments may go out
 * @property {boolean} isJson data of /events are JSON
 * @property {boolean} hasComments
 * @property {'kept' | 'application' | 'none'} history by whom events are kept for those who come back, as documented
 * @property {boolean} hasHttp2 says that it streams over it
 */

/** @type {Readonly<Record<string, Peer>>} */
export const peers = {
  tidings: {
    title: '**Tidings** in Express',
    packages: ['tidings'],
    streams: ['/events', '/one'],
    isJson: false,
    hasComments: true,
    history: 'kept',
    hasHttp2: true,
  },
  'better-sse': {
    title: 'better-sse',
    packages: ['better-sse'],
    streams: ['/events'],
    isJson: true,
    hasComments: true,
    history: 'none',
    hasHttp2: true,
  },
  'fastify-sse': {
    title: '@fastify/sse',
    packages: ['@fastify/sse', 'fastify'],
    streams: ['/events'],
    isJson: true,
    hasComments: false,
    history: 'application',
    hasHttp2: true,
  },
  hono: {
    title: 'Hono, streamSSE',
    packages: ['hono', '@hono/node-server'],
    streams: ['/events'],
    isJson: true,
    hasComments: false,
    history: 'none',
    hasHttp2: false,
  },
  express: {
    title: 'Express by itself',
    packages: ['express'],
    streams: ['/events'],
    isJson: true,
    hasComments: true,
    history: 'none',
    hasHttp2: false,
  },
}

/**
 * A peer that runs, in a process of its own.
 *
 * @typedef {object} Running
 * @property {string} name
 * @property {Peer} peer
 * @property {number} port
 * @property {number} pid
 * @property {() => number} cpuMs
 * @property {() => { pss: number, rss: number, peakRss: number }} memory
 * @property {(path: string, data: string, names?: Readonly<Record<string, string>>) => Promise<'said' | 'refused'>} say
 * @property {(path: string) => Promise<number>} readers
 * @property {() => string} errors
 * @property {() => Promise<void>} end
 */

/**
 * Starts a peer and resolves when it takes connections. Rejects, with what it wrote to its standard error, if it does not get there.
 *
 * @param {string} name
 * @param {{ core?: number | undefined, certificate?: readonly [cert: string, key: string] }} [options]
 * @returns {Promise<Running>}
 */
export async function startPeer(name, { core, certificate = /** @type {never} */ ([]) } = {}) {
  const peer = peers[name]
  if (peer === undefined) throw new Error(`no peer ${name}`)
  const file = fileURLToPath(new URL(`servers/${name}.mjs`, import.meta.url))
  const port = await freePort()
  const started = start([process.execPath, file, String(port), ...certificate], { core })
  started.child.stdout?.resume()
  try {
    await listens(started, port)
  } catch (error) {
    await started.end()
    throw error
  }
  const origin = `http://127.0.0.1:${port}`
  return {
    name,
    peer,
    port,
    pid: started.pid,
    cpuMs: () => cpuMs(started.pid),
    memory: () => memory(started.pid),
    async say(path, data, names = {}) {
      const query = new URLSearchParams(names)
      const headers = { 'content-type': 'text/plain' }
      const response = await fetch(`${origin}${path}?${query}`, { method: 'POST', body: data, headers })
      const text = await response.text()
      if (response.ok) return 'said'
      if (response.status === 400) return 'refused'
      throw new Error(`${name} answered ${response.status}: ${text.slice(0, 200)}`)
    },
    readers: async path => Number(await fetch(`${origin}${path}/readers`).then(response => response.text())),
    errors: started.errors,
    end: started.end,
  }
}

/** The versions of what a peer is made of; of Tidings that of this folder. @param {string} name @returns {Readonly<Record<string, string>>} */
export function versionsOf(name) {
  const packages = peers[name]?.packages ?? []
  return Object.fromEntries(packages.map(each => [each, String(manifest(each).version)]))
}

/**
 * How many packages come into an application that has its framework already, what they depend on included; as the lock files have it.
 *
 * @param {string} name
 */
export function packagesOf(name) {
  const [own = '', ...framework] = peers[name]?.packages ?? []
  const lock = require(own === 'tidings' ? '../../package-lock.json' : '../package-lock.json').packages
  const there = new Set(
    [...framework, ...(isFramework.has(own) ? [own] : [])].flatMap(each => [...closure(lock, each)]),
  )
  return [...closure(lock, own)].filter(each => !there.has(each)).length
}

/** Those whose streams are a part of the framework itself. */
const isFramework = new Set(['hono', 'express'])

/**
 * @param {Readonly<Record<string, { dependencies?: object, optionalDependencies?: object }>>} lock
 * @param {string} name
 */
function closure(lock, name) {
  /** @type {Set<string>} */
  const found = new Set()
  /** @param {string} key */
  const add = key => {
    if (found.has(key)) return
    found.add(key)
    // What is optional, the log in LMDB, comes along as well unless it is left out.
    const { dependencies = {}, optionalDependencies = {} } = lock[key] ?? {}
    for (const each of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const place = [`${key}/node_modules/${each}`, `node_modules/${each}`].find(path => path in lock)
      if (place !== undefined && !isOfOtherMachines(place)) add(place)
    }
  }
  add(name === 'tidings' ? '' : `node_modules/${name}`)
  return found
}

/** Compiled parts of which a machine takes only its own. @param {string} place */
const isOfOtherMachines = place => /\/(?:@lmdb|@msgpackr-extract)\//.test(place) && !/linux-x64$/.test(place)

/** @param {string} name @returns {{ version: string, dependencies?: Record<string, string> }} */
function manifest(name) {
  if (name === 'tidings') return require('../../package.json')
  const folder = require.resolve.paths(name)?.map(path => `${path}/${name}/package.json`) ?? []
  for (const file of folder) {
    try {
      return require(file)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND')) throw error
    }
  }
  throw new Error(`${name} is not installed`)
}
