// `npm test`: sets up what is missing, then checks everything that is checked: format and lint, types and the arrows between
// the parts, all suites. What follows `npm test --` goes to vitest, to run some of the suites only.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundler, checkNode, compilerArgs, install, noteBuild, root, SetUpError, say } from './set-up.mjs'

const isCi = process.env['CI'] === 'true'
const results = join(root, '.build', 'tests.json')
const skips = join(root, '.build', 'skips.txt')
/** Where `.ci/run` finds the last line, whatever npm prints after it. */
const summary = join(root, '.build', 'summary.txt')

let passed = 0
let failed = 0

mkdirSync(join(root, '.build'), { recursive: true })
for (const file of [results, skips, summary]) rmSync(file, { force: true })
try {
  checkNode()
  install()
  check('Format and lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings'])
  if (check('Types and arrows', compilerArgs('.')) && check('Bundle for browsers', [bundler])) noteBuild()
  test(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof SetUpError)) throw error
  say(error.message)
  failed++
}
const line = `${passed} passed, ${failed} failed`
writeFileSync(summary, `${line}\n`)
process.stdout.write(`\n${line}\n`)
process.exitCode = failed === 0 ? 0 : 1

/**
 * @param {string} name
 * @param {readonly string[]} args
 */
function check(name, args) {
  say(`${name}...`)
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (status === 0) passed++
  else failed++
  return status === 0
}

/** @param {readonly string[]} args */
function test(args) {
  say('Suites...')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`]
  const { status } = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...reporters, ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const counted = count()
  passed += counted.passed
  // An error outside of all tests fails the run, and none of them.
  failed += counted.failed || (status === 0 ? 0 : 1)
  if (counted.skipped.length === 0) return
  process.stdout.write(`\nSkipped${isCi ? ', which counts as failed' : ''}:\n`)
  for (const name of counted.skipped) process.stdout.write(`  ${name}\n`)
  for (const reason of reasons()) process.stdout.write(`because it ${reason}\n`)
  if (isCi) failed += counted.skipped.length
}

/** The tests by how they ended; a file that could not even be loaded is one that failed. */
function count() {
  let passed = 0
  let failed = 0
  /** @type {string[]} */
  const skipped = []
  for (const file of JSON.parse(read(results) ?? '{"testResults":[]}').testResults) {
    let failedHere = 0
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed++
      else if (test.status === 'failed') failedHere++
      else skipped.push(test.fullName.trim())
    }
    failed += failedHere || (file.status === 'failed' ? 1 : 0)
  }
  return { passed, failed, skipped }
}

/** Why tests were skipped, as they said themselves; each reason once. */
function reasons() {
  return new Set((read(skips) ?? '').split('\n').filter(reason => reason !== ''))
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
