// Makes of what was compiled the one module that browsers load: `node scripts/bundle.mjs`, after `tsc -b`. vitest runs it before all suites.
import { existsSync, realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { bundle, root } from './set-up.mjs'

const client = fileURLToPath(new URL('../dist/entry/client.js', import.meta.url))
const keeper = fileURLToPath(new URL('../dist/entry/lock-keeper.js', import.meta.url))

/** The client, and what it is when a worker runs it that tabs share. */
const whole = {
  name: 'whole',
  resolveId: (/** @type {string} */ id) => (id === 'whole' ? id : null),
  load: (/** @type {string} */ id) =>
    id === 'whole' ? `import ${JSON.stringify(keeper)}\nexport * from ${JSON.stringify(client)}\n` : null,
}

/** Bundles `tidings/client` as `/tidings.js`. Nothing happens where it is not compiled. */
export async function setup() {
  if (!existsSync(client)) return
  const made = await rolldown({ input: 'whole', plugins: [whole], cwd: root, platform: 'browser', logLevel: 'warn' })
  // What is loaded late elsewhere is in it too: a page asks once, and all that it has is of one version.
  await made.write({ file: bundle, format: 'esm', minify: true, codeSplitting: false })
  await made.close()
}

// A clone may stand behind a link, which only the URL has followed.
if (realpathSync(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) await setup()
