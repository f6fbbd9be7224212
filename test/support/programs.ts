import { accessSync, appendFileSync, constants, mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where `npm test` reads at its end what was skipped, and why. */
const skipsFile = fileURLToPath(new URL('../../.build/skips.txt', import.meta.url))

/**
 * The path of the program `name`; nothing if this machine has none: the tests that need it are then to be skipped
 * (`describe.skipIf(!program)`), which is said on the terminal together with `howToGet`. With `CI=true` it throws instead,
 * so that no test is skipped there unseen.
 */
export function requireProgram(name: string, howToGet: string): string | undefined {
  const path = findProgram(name)
  if (path !== undefined) return path
  const reason = `needs the program ${name}: ${howToGet}`
  if (process.env['CI'] === 'true') throw new Error(`This test ${reason}`)
  mkdirSync(join(skipsFile, '..'), { recursive: true })
  appendFileSync(skipsFile, `${reason}\n`)
  process.stderr.write(`skipped: ${reason}\n`)
  return undefined
}

/** The path of the program `name`, for tests that are there only where it is; nothing if this machine has none. */
export function findProgram(name: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name)
    if (folder !== '' && isExecutable(path)) return path
  }
  return undefined
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false
    throw error
  }
}
