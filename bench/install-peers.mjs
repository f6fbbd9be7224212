// The packages that are measured beside the hub stand in a folder of their own, so that nobody else has to install them.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SetUpError } from '../scripts/set-up.mjs'

const folder = fileURLToPath(new URL('.', import.meta.url))

/** Installs what bench/package-lock.json says, if anything of it is missing. Throws `SetUpError` if that fails. */
export function installPeers() {
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  if (Object.entries(dependencies).every(([name, version]) => installed(name) === version)) return
  process.stderr.write('Installing what is compared (npm ci in bench/)...\n')
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund']
  const { status } = spawnSync('npm', args, {
    cwd: folder,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new SetUpError('npm ci in bench/ failed; its own message is above.')
}

/** @param {string} name */
function installed(name) {
  const file = join(folder, 'node_modules', name, 'package.json')
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : undefined
}
