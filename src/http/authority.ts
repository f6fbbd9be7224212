/** Host and port of a request, an origin or a setting, in one spelling. */
export interface Authority {
  /** Lower case, without a dot at the end; IPv6 in brackets. */
  readonly host: string
  /** Nothing: none was written. */
  readonly port: number | undefined
}

const form = /^(\[[0-9a-f:.]+\]|[a-z0-9._~-]+)(?::([0-9]{0,5}))?$/
const loopbackV4 = /^127(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/

/** The authority that `text` spells, or nothing: user names and percent-encodings are not taken. */
export function parseAuthority(text: string): Authority | undefined {
  if (text === lastText) return last
  last = readAuthority(text)
  lastText = text
  return last
}

// One hub is called by few names, mostly the same one again.
let lastText = ''
let last: Authority | undefined

function readAuthority(text: string): Authority | undefined {
  if (text.length > 300) return undefined
  const match = form.exec(text.toLowerCase())
  if (!match) return undefined
  const [, written = '', digits] = match
  const host = written.replace(/\.$/, '')
  if (host === '' || host.startsWith('.')) return undefined
  // RFC 3986, 3.2.3: an empty port is the scheme's own.
  const port = digits ? Number(digits) : undefined
  return port !== undefined && (port < 1 || port > 65_535) ? undefined : { host, port }
}

/**
 * Whether `host` (lower case) can only be this machine: `localhost` and names under it (RFC 6761, 6.3: never looked up),
 * 127.0.0.0/8, `[::1]`.
 */
export function isLoopbackName(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || loopbackV4.test(host)
}
