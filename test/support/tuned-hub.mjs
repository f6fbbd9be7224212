// A hub whose parts are given their settings one by one, and which says how it stands. Takes `serve --port PORT --log KIND:PLACE` and the settings as JSON in
// TIDINGS_TUNING; says where it listens as `tidings serve` does, and at each SIGUSR2 how it stands.
// Uses what was built, so that a process of its own can run it.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createHttpServer } from '../../dist/http/server.js'
import { resolveHttpSettings } from '../../dist/http/settings.js'
import { createHub } from '../../dist/hub/create-hub.js'
import { openLmdbLog } from '../../dist/log/lmdb/open.js'
import { createMemoryLog } from '../../dist/log/memory.js'

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, log: { type: 'string', default: 'memory:' } },
  allowPositionals: true,
})
const tuning = JSON.parse(process.env['TIDINGS_TUNING'] ?? '{}')
const directory = /^lmdb:(.+)$/.exec(values.log)?.[1]
const log = directory ? await openLmdbLog(directory, tuning.log) : createMemoryLog(tuning.log)
const report = (/** @type {string} */ message, /** @type {unknown} */ error) => {
  process.stderr.write(`${message} ${String(error ?? '')}\n`)
}
const hub = await createHub(log, { report, ...tuning.hub })
const settings = resolveHttpSettings({ port: Number(values.port), ...tuning.settings })
const server = createHttpServer({ hub, settings, report, certificate: tuning.certificate })
process.on('SIGUSR2', () => void tell())
process.stdout.write(`Listening on ${(await server.listen()).url}\n`)

async function tell() {
  // Twice: what the first turn lets go, such as handles that have just closed, the second collects.
  for (let i = 0; i < 2; i++) {
    globalThis.gc?.()
    await nextTurn()
  }
  const { heapUsed, external } = process.memoryUsage()
  process.stdout.write(`Status: ${JSON.stringify({ ...hub.status, heapBytes: heapUsed, externalBytes: external })}\n`)
}
