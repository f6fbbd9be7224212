import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import type { ApplicationFolder } from '../../support/application-folder.js'
import { run, settle } from '../../support/command-line.js'
import { installRuntimes } from '../../support/runtimes.js'
import { prepareHost, tryHost } from './host.js'

let folder: ApplicationFolder
let node = ''
beforeAll(async () => {
  // SvelteKit 3 takes no older one.
  const commandOf = await installRuntimes()
  node = commandOf('Node.js 24')[0]
  const host = await prepareHost('sveltekit', 'src/trial.mjs')
  folder = host.folder
  await settle(run(node, [join(host.installed, 'vite/bin/vite.js'), 'build'], folder.path))
}, 240_000)
afterAll(() => folder?.remove())

describe('SvelteKit 3 with adapter-node', () => {
  const host = () => ({
    folder: folder.path,
    command: () => [node, 'build'] as const,
    environment: (port: number) => ({ HOST: '127.0.0.1', PORT: String(port) }),
    ready: 'Listening',
  })
  tryHost(host, { isClean: true })
})
