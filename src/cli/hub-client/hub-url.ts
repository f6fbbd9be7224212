import { TidingsError } from '../../wire/errors.js'
import type { Flag } from '../flags.js'
import { showDuration } from './duration-flag.js'

const defaultUrl = 'http://127.0.0.1:8080'
const variable = 'TIDINGS_URL'

/** `--url`: where the hub is. Not given: `hubUrlOf` says. */
export const urlFlag: Flag<URL | undefined> = {
  value: 'URL',
  initial: undefined,
  shown: `${variable}, else ${defaultUrl}`,
  help: 'Where the hub is.',
  parse: text => parseHubUrl(text, '--url'),
}

/** The hub of `--url`, else of the variable TIDINGS_URL, else the one of this machine. Throws `invalid-setting`. */
export function hubUrlOf(given: URL | undefined, env: NodeJS.ProcessEnv = process.env): URL {
  if (given) return given
  const text = env[variable]
  return text ? parseHubUrl(text, variable) : new URL(defaultUrl)
}

/** A URL of a hub, also of one below a path (`https://example.com/hub`). `from`: who named it. Throws `invalid-setting`. */
export function parseHubUrl(text: string, from: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    const withScheme = `http://${text}`
    // "localhost:8080" is a URL of the scheme "localhost".
    const hint =
      !text.includes('://') && URL.canParse(withScheme)
        ? `Write ${withScheme}.`
        : `It begins with http:// or https://, such as ${defaultUrl}.`
    throw fault(from, text, hint)
  }
  if (!isDecodable(url.username) || !isDecodable(url.password)) {
    throw fault(from, text, 'In its password a "%" is written %25.')
  }
  if (url.search !== '' || url.hash !== '') throw fault(from, text, 'It has no "?" and no "#".')
  const path = url.pathname.replace(/\/+$/, '')
  if (/\/events(?:\/|$)/.test(path)) {
    url.pathname = path.replace(/\/events(?:\/.*)?$/, '')
    throw fault(from, text, `It is that of the hub, without /events: ${showUrl(url)}.`)
  }
  url.pathname = path
  return url
}

/** As people are shown it: without a password, and without a slash at its end. */
export function showUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`
}

/** What to do where no hub answers, as a sentence: how to start one, if it would be on this machine. */
export function howToReach(url: URL): string {
  const isLocal = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname)
  if (!isLocal || url.protocol !== 'http:') return 'Is it running, and is the URL (--url, TIDINGS_URL) right?'
  const port = url.port || '80'
  return `Start one with: tidings serve${port === '8080' ? '' : ` --port ${port}`}.`
}

/** How long it is tried, as a sentence. */
export function tryingAgain(forMs: number): string {
  return `Trying again ${forMs === Number.POSITIVE_INFINITY ? 'until it answers' : `for ${showDuration(forMs)}`}.`
}

function fault(from: string, text: string, hint: string): TidingsError {
  // What stands before an @ may be a password.
  const shown = text.replace(/\/\/.*@/s, '//')
  return new TidingsError('invalid-setting', `${from}: "${shown}" is not the URL of a hub. ${hint}`)
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch (error) {
    if (error instanceof URIError) return false
    throw error
  }
}
