// Processes that the bench starts: pinned, ended by their id, and what they and their children cost, from /proc.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

const startTimeoutMs = 15_000
const canPin = spawnSync('taskset', ['-V']).status === 0
/** Clock ticks of /proc/PID/stat a second: 100 on every Linux that Node.js runs on. */
const ticks = 100

/** Whether processes can be held to a core; without it, figures of a shared machine mean less. */
export const isPinned = () => canPin

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, () => process.exit(1))

/**
 * @typedef {object} Started
 * @property {number} pid
 * @property {import('node:child_process').ChildProcess} child
 * @property {() => string} errors what it wrote to its standard error, at most its last 4 kB
 * @property {() => Promise<void>} end SIGTERM, and SIGKILL two seconds later; resolves when it is gone
 */

/**
 * Starts a program on one core. Its standard output is there to be read.
 *
 * @param {readonly string[]} command
 * @param {{ core: number | undefined, cwd?: string | undefined }} where
 * @returns {Started}
 */
export function start(command, { core, cwd }) {
  const pinned = canPin && core !== undefined ? ['taskset', '-c', String(core), ...command] : command
  const [program = '', ...args] = pinned
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], cwd })
  running.add(child)
  const gone = once(child, 'close').then(() => void running.delete(child))
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    errors = (errors + text).slice(-4096)
  })
  child.stdin.on('error', () => undefined)
  const { pid } = child
  if (pid === undefined) throw new Error(`${program} cannot be started`)
  return {
    pid,
    child,
    errors: () => errors,
    async end() {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 2_000)
      await gone
      clearTimeout(timer)
    },
  }
}

/** A port that was free a moment ago. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Resolves when the port takes connections. Rejects when the process has ended before, or after 15 seconds. @param {Started} started @param {number} port */
export async function listens(started, port) {
  const until = performance.now() + startTimeoutMs
  while (performance.now() < until) {
    if (started.child.exitCode !== null) break
    const socket = connect(port, '127.0.0.1')
    const isThere = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
      delay(1_000).then(() => false),
    ])
    socket.destroy()
    if (isThere) return
    await delay(5)
  }
  throw new Error(`The server does not listen. ${started.errors().trim()}`)
}

/** The process and all that descend from it. @param {number} root @returns {readonly number[]} */
export function tree(root) {
  /** @type {Map<number, number[]>} */
  const children = new Map()
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : undefined
    if (stat === undefined) continue
    const parent = Number(afterName(stat)[1])
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const found = [root]
  for (const pid of found) found.push(...(children.get(pid) ?? []))
  return found
}

/** User and system time of the process and all that descend from it, in milliseconds, to 10 ms. @param {number} root */
export function cpuMs(root) {
  let sum = 0
  for (const pid of tree(root)) {
    const stat = read(`/proc/${pid}/stat`)
    if (stat === undefined) continue
    const fields = afterName(stat)
    sum += Number(fields[11]) + Number(fields[12])
  }
  return (sum * 1_000) / ticks
}

/** How long the cores of this machine were not there for others: used, or taken away by its host; in milliseconds, to 10 ms. */
export function busyMs() {
  const fields = (read('/proc/stat') ?? '').slice(5).split(' ', 8).map(Number)
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, stolen = 0] = fields
  return ((user + nice + system + irq + softirq + stolen) * 1_000) / ticks
}

/**
 * Bytes of memory of the process and all that descend from it. What several of them share is divided between them (PSS);
 * the peak is that of resident memory since `resetPeak`.
 *
 * @param {number} root
 */
export function memory(root) {
  let pss = 0
  let rss = 0
  let peakRss = 0
  for (const pid of tree(root)) {
    pss += kilobytes(read(`/proc/${pid}/smaps_rollup`), 'Pss')
    const status = read(`/proc/${pid}/status`)
    rss += kilobytes(status, 'VmRSS')
    peakRss += kilobytes(status, 'VmHWM')
  }
  return { pss, rss, peakRss }
}

/** Lets the peak of resident memory begin from now. @param {number} root */
export async function resetPeak(root) {
  const { writeFile } = await import('node:fs/promises')
  for (const pid of tree(root)) await writeFile(`/proc/${pid}/clear_refs`, '5')
}

/** @param {string | undefined} text @param {string} name */
function kilobytes(text, name) {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text ?? '')?.[1] ?? 0) * 1024
}

/** The fields behind the name, which may hold spaces and brackets: state, parent, ... @param {string} stat */
function afterName(stat) {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** Nothing if the process is gone. @param {string} path */
function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return undefined
    throw error
  }
}
