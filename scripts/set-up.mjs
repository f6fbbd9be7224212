// What `npm start` and `npm test` need before anything else: a Node.js that is new enough, the packages that the lock
// file names, and a build of the sources. Plain JavaScript and built-ins only, for nothing else is there on a fresh clone.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout. */
export const root = fileURLToPath(new URL('..', import.meta.url))

const buildDirectory = join(root, '.build')
const fingerprintFile = join(buildDirectory, 'sources.txt')
const entry = join(root, 'dist', 'cli', 'main.js')
/** What the hub serves as `/tidings.js`. */
export const bundle = join(root, 'dist', 'browser', 'tidings.js')
/** The script that makes it. */
export const bundler = join('scripts', 'bundle.mjs')

/** What keeps the project from being set up; its message is for the person at the terminal. */
export class SetUpError extends Error {}

/**
 * Throws unless this Node.js is at least the one that package.json asks for.
 *
 * @param {string} [version]
 */
export function checkNode(version = process.versions.node) {
  const wanted = /(\d+)\.(\d+)/.exec(readJson('package.json').engines.node)
  const present = /^(\d+)\.(\d+)/.exec(version)
  if (!wanted || !present) throw new SetUpError(`Cannot tell whether Node.js ${version} is new enough.`)
  const ahead = Number(present[1]) - Number(wanted[1]) || Number(present[2]) - Number(wanted[2])
  if (ahead < 0) {
    throw new SetUpError(
      `Tidings needs Node.js ${wanted[0]} or newer, and this is ${version} (${process.execPath}).\n` +
        'Get a newer one from https://nodejs.org or with your version manager, and try again.',
    )
  }
}

/** Installs what package-lock.json says, if node_modules holds anything else. */
export function install() {
  if (isInstalled()) return
  say('Installing packages (npm ci)...')
  // Scripts of packages are not needed (what is native comes prebuilt), so none is run; NODE_ENV must not leave out the compiler.
  // Packages that only tests use warn of versions of Node.js on which they are tested here.
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
  const args = ['ci', '--ignore-scripts', '--include=dev', '--include=optional', ...quiet]
  const npm = process.env['npm_execpath']
  const result =
    npm && /\.[cm]?js$/.test(npm)
      ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
      : spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  finish(result, 'npm ci', 'Its own message is above; `npm start` tries again.')
}

/** Compiles the hub and what applications import, with all that they are made of, and bundles `/tidings.js`, if a source has changed since the last time. */
export function build() {
  const sources = describeSources()
  const isBuilt = existsSync(entry) && existsSync(bundle)
  if (isBuilt && existsSync(fingerprintFile) && readFileSync(fingerprintFile, 'utf8') === sources) return
  say('Building (tsc -b)...')
  const result = spawnSync(process.execPath, compilerArgs('src/cli', 'src/entry'), {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  finish(result, 'The build', 'See the errors above.')
  const bundled = spawnSync(process.execPath, [bundler], { cwd: root, stdio: ['ignore', 2, 2] })
  finish(bundled, 'Bundling /tidings.js', 'See the errors above.')
  noteBuild(sources)
}

/** Notes that the sources are compiled and bundled as they are now, or as they were described. */
export function noteBuild(sources = describeSources()) {
  mkdirSync(buildDirectory, { recursive: true })
  writeFileSync(fingerprintFile, sources)
}

/**
 * What Node.js is told to compile parts and all that they refer to.
 *
 * @param {string[]} projects Folders with a tsconfig.json.
 */
export function compilerArgs(...projects) {
  // Without --force, the compiler trusts its notes of the last build, and does not see that the output was removed.
  return ['node_modules/typescript/bin/tsc', '-b', ...projects, ...(existsSync(entry) ? [] : ['--force'])]
}

/** Whether node_modules is what the lock file says: compared with npm's own note of what it installed. */
export function isInstalled() {
  const note = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(note)) return false
  const installed = JSON.parse(readFileSync(note, 'utf8')).packages
  const locked = readJson('package-lock.json').packages
  for (const [path, { version, integrity, optional }] of Object.entries(locked)) {
    if (path === '') continue
    const found = installed[path]
    // Optional packages are those of other platforms too, which npm leaves out.
    if (found ? found.version !== version || found.integrity !== integrity : !optional) return false
  }
  return Object.keys(installed).every(path => path in locked)
}

/** Every file that decides the build, with size and time: a removed or an older file is a change too. */
function describeSources() {
  const lines = [describe('package-lock.json'), describe('tsconfig.base.json'), describe(bundler)]
  for (const name of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (/\.ts$|\.json$/.test(name) && !name.endsWith('.test.ts')) lines.push(describe(join('src', name)))
  }
  return `${lines.sort().join('\n')}\n`
}

/** @param {string} path */
function describe(path) {
  const { size, mtimeMs } = statSync(join(root, path))
  return `${path} ${size} ${mtimeMs}`
}

/** @param {string} name */
function readJson(name) {
  return JSON.parse(readFileSync(join(root, name), 'utf8'))
}

/**
 * @param {import('node:child_process').SpawnSyncReturns<Buffer>} result
 * @param {string} what
 * @param {string} hint
 */
function finish(result, what, hint) {
  if (result.error) throw new SetUpError(`${what} could not be run: ${result.error.message}`)
  if (result.signal) throw new SetUpError(`${what} was ended by ${result.signal}.`)
  if (result.status !== 0) throw new SetUpError(`${what} failed (exit code ${result.status}). ${hint}`)
}

/** @param {string} text */
export function say(text) {
  process.stderr.write(`${text}\n`)
}
