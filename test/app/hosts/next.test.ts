import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import type { ApplicationFolder } from '../../support/application-folder.js'
import { run, settle } from '../../support/command-line.js'
import { prepareHost, tryHost } from './host.js'

let folder: ApplicationFolder
let next = ''
beforeAll(async () => {
  // The optional packages are compilers for other machines, and one for pictures.
  const host = await prepareHost('next', 'lib/trial.mjs', '--omit=optional')
  folder = host.folder
  next = join(host.installed, 'next/dist/bin/next')
  await settle(run('env', ['NEXT_TELEMETRY_DISABLED=1', process.execPath, next, 'build'], folder.path))
}, 240_000)
afterAll(() => folder?.remove())

describe('Next.js 16', () => {
  const host = () => ({
    folder: folder.path,
    command: (port: number) =>
      [process.execPath, next, 'start', '--hostname', '127.0.0.1', '--port', String(port)] as const,
    environment: () => ({ NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' }),
    ready: 'Ready',
  })
  // Next.js says itself how it ends.
  tryHost(host, { isClean: false })
})
