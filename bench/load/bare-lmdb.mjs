// What LMDB itself takes: events of 100 bytes and a number, put one after another, a thousand a commit, each commit flushed before
// the next begins. No index, no retention, no HTTP. Usage: node bare-lmdb.mjs [SECONDS]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'

const seconds = Number(process.argv[2] ?? 2)
const perCommit = 1_000
const folder = mkdtempSync(join(tmpdir(), 'tidings-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

const store = open({ path: folder, noSubdir: false, keyEncoding: 'uint32', encoding: 'binary', overlappingSync: false })
const value = Buffer.alloc(120, 'x')
let put = 0
const before = process.cpuUsage()
const begin = performance.now()
while (performance.now() - begin < seconds * 1_000) {
  await store.transaction(() => {
    for (let i = 0; i < perCommit; i++) void store.put(++put, value)
  })
  await store.flushed
}
const wallMs = performance.now() - begin
await store.close()
const { user, system } = process.cpuUsage()
const loop = process.cpuUsage(before)
process.stdout.write(
  `${JSON.stringify({
    publishesPerSecond: (put * 1_000) / wallMs,
    cpuPerPublishUs: (loop.user + loop.system) / put,
    cpuMs: (user + system) / 1_000,
    wallMs,
  })}\n`,
)
