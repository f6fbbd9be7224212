import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Run, run } from './command-line.js'
import { requireProgram } from './programs.js'

/** Where Firefox is; nothing if there is none: its tests are skipped then. */
export const firefoxProgram: string | undefined = requireProgram('firefox-esr', 'apt-get install firefox-esr')

/** Without what it does by itself at its start: asking its maker, showing pages, restoring a session. */
const preferences = {
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.safebrowsing.downloads.remote.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'http://127.0.0.1:9/',
  'toolkit.telemetry.enabled': false,
}

/** A certificate that nobody vouches for, and who is believed with it. */
export interface Accepted {
  readonly url: string
  readonly cert: string
}

/**
 * Shows pages in Firefox, each in a tab, with a profile of its own. playwright-core drives only a Firefox of its own making, so a page has to say itself
 * how it went. What is returned ends it.
 */
export async function showInFirefox(
  urls: readonly string[],
  accepted: readonly Accepted[] = [],
): Promise<() => Promise<void>> {
  const { close } = await runFirefox(urls, {}, accepted)
  return close
}

/** Firefox with a profile of its own, and further `args` and preferences. */
export async function runFirefox(
  args: readonly string[],
  more: Readonly<Record<string, string | number | boolean>> = {},
  accepted: readonly Accepted[] = [],
): Promise<{ readonly firefox: Run; close(): Promise<void> }> {
  if (!firefoxProgram) throw new Error('There is no Firefox.')
  const profile = await mkdtemp(join(tmpdir(), 'tidings-firefox-'))
  const all = Object.entries({ ...preferences, ...more })
  const lines = all.map(([name, value]) => `user_pref('${name}', ${JSON.stringify(value)});\n`)
  await writeFile(join(profile, 'user.js'), lines.join(''))
  await writeFile(join(profile, 'cert_override.txt'), accepted.map(toException).join(''))
  const firefox = run(firefoxProgram, ['--headless', '--no-remote', '--profile', profile, ...args], profile)
  return {
    firefox,
    async close() {
      firefox.signalAll('SIGKILL')
      await firefox.ended
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** As Firefox writes down what its user accepted: the place, which hash (SHA-256), and the hash of the certificate. */
function toException({ url, cert }: Accepted): string {
  return `${new URL(url).host}:\tOID.2.16.840.1.101.3.4.2.1\t${new X509Certificate(cert).fingerprint256}\t\n`
}
