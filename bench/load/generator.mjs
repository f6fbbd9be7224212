// Starts a load generator and speaks with it: a command a line, an answer a line.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { start } from './processes.mjs'

const folder = fileURLToPath(new URL('.', import.meta.url))
const built = fileURLToPath(new URL('../../.build/bench/', import.meta.url))

/**
 * What a flow of events was: what was published, what arrived, and what was wrong.
 *
 * @typedef {object} Flow
 * @property {number} published
 * @property {number} requests
 * @property {number} answered
 * @property {number} refused
 * @property {number} refusal status of a refusal
 * @property {number} delivered
 * @property {number} missing
 * @property {number} skipped
 * @property {number} late
 * @property {number} damaged
 * @property {number} foreign
 * @property {number} gaps
 * @property {number} cut connections that ended
 * @property {number} cursors `$cursor` blocks: heartbeats
 * @property {number} wallMs until the last delivery
 * @property {number} publishMs until the last request
 * @property {number} cpuMs of the generator
 * @property {number} reads
 * @property {{ p99: number, max: number }} behindMs for how long bytes may have lain unread
 * @property {Times} latency of deliveries
 * @property {Times} answer of requests
 */
/** @typedef {{ count: number, meanMs: number, points: [percent: number, ms: number][] }} Times */
/**
 * @typedef {object} Subscribed
 * @property {number} subscribed
 * @property {number} failed
 * @property {number} caughtUp
 * @property {number} ms
 * @property {Times} catchingUp
 * @property {number} missing
 * @property {number} skipped
 * @property {number} late
 * @property {number} gaps
 */

/** The compiler of this machine, if it has one. */
export const compiler = ['cc', 'gcc', 'clang'].find(name => spawnSync(name, ['--version']).status === 0)

/**
 * Compiles a program of this folder, once for each state of the sources; nothing if there is no compiler.
 *
 * @param {'generator' | 'floor'} name
 */
export function compile(name) {
  if (compiler === undefined) return undefined
  const sources = readdirSync(folder).filter(file => /\.[ch]$/.test(file))
  const state = createHash('sha256')
  for (const file of sources) state.update(readFileSync(join(folder, file)))
  const program = join(built, `${name}-${state.digest('hex').slice(0, 12)}`)
  if (existsSync(program)) return program
  mkdirSync(built, { recursive: true })
  // Under a name of its own first: another process may compile, or start it, at this moment.
  const made = `${program}.${process.pid}`
  const args = ['-O2', '-Wall', '-Wextra', '-std=gnu17', '-o', made, join(folder, `${name}.c`)]
  const { status, stderr } = spawnSync(compiler, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${compiler} cannot compile ${name}.c:\n${stderr}`)
  renameSync(made, program)
  return program
}

/** The command that runs the generator: compiled where there is a compiler, else the slower one for Node.js. @param {'c' | 'node'} [kind] */
export function generatorCommand(kind) {
  const program = kind === 'node' ? undefined : compile('generator')
  return program === undefined ? [process.execPath, join(folder, 'generator-node.mjs')] : [program]
}

/** One generator, on its own core, for one server. */
export class Generator {
  /** @type {import('./processes.mjs').Started} */
  #started
  /** @type {Map<string, { resolve: (answer: any) => void, reject: (error: Error) => void }>} */
  #waiting = new Map()
  #count = 0

  /** @param {{ port: number, core: number | undefined, kind?: 'c' | 'node' | undefined, isTls?: boolean | undefined }} options */
  constructor({ port, core, kind, isTls }) {
    // The one in C speaks no TLS.
    const command = generatorCommand(isTls ? 'node' : kind)
    this.#started = start([...command, '127.0.0.1', String(port), ...(isTls ? ['tls'] : [])], { core })
    const { child } = this.#started
    if (child.stdout === null) throw new Error('no standard output')
    createInterface({ input: child.stdout }).on('line', line => {
      const { id, ...answer } = JSON.parse(line)
      this.#waiting.get(id)?.resolve(answer)
      this.#waiting.delete(id)
    })
    child.once('close', code => {
      const error = new Error(`The generator ended (${code}).\n${this.#started.errors()}`)
      for (const { reject } of this.#waiting.values()) reject(error)
      this.#waiting.clear()
    })
  }

  get pid() {
    return this.#started.pid
  }

  /** @param {number} topic @param {Record<string, string | number>} [settings] @returns {Promise<unknown>} */
  topic(topic, settings = {}) {
    return this.#send('topic', { topic, ...settings })
  }

  /** Resolves when all connections are open (and, with `behind`, have caught up). @param {Record<string, string | number>} settings @returns {Promise<Subscribed>} */
  subscribe(settings) {
    return this.#send('subscribe', settings)
  }

  /** Resolves when all that was published has been answered and has arrived, or nothing more comes. @param {Record<string, string | number>} settings @returns {Promise<Flow>} */
  publish(settings) {
    return this.#send('publish', settings)
  }

  /** Awaits what another generator publishes. @param {Record<string, string | number>} settings @returns {Promise<Flow>} */
  expect(settings) {
    return this.#send('expect', settings)
  }

  /** @param {number} group @returns {Promise<unknown>} */
  close(group) {
    return this.#send('close', { group })
  }

  end() {
    return this.#started.end()
  }

  /** @param {string} verb @param {Record<string, string | number>} settings @returns {Promise<any>} */
  #send(verb, settings) {
    const id = String(++this.#count)
    const words = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#started.child.stdin?.write(`${[verb, id, ...words].join(' ')}\n`)
    })
  }
}
