// Measures parts of the hub by themselves: node bench/micro/run.mjs [encode] [parse] [match] [log]
// One process for each, with room for its garbage, so that allocations can be counted. The built hub: `npm run build` first.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { installPeers } from '../install-peers.mjs'

const parts = ['encode', 'parse', 'match', 'log']
const chosen = process.argv.length > 2 ? process.argv.slice(2) : parts
for (const part of chosen) {
  if (parts.includes(part)) continue
  process.stderr.write(`There is no ${part}; there are ${parts.join(', ')}.\n`)
  process.exit(2)
}
if (chosen.includes('parse')) installPeers()
for (const part of chosen) {
  const file = fileURLToPath(new URL(`${part}.mjs`, import.meta.url))
  const flags = ['--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=128']
  const { status } = spawnSync(process.execPath, [...flags, file], { stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}
