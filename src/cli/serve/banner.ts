/** What is said once the hub answers: where it listens, where its log is, and three lines to paste. */
export function banner(options: {
  readonly url: string
  /** The address, if it is one that others may reach. */
  readonly openTo: string | undefined
  readonly log: string
  /** Whether clients take the hub for who it says it is, without being told to; or the file that they have to trust. */
  readonly trusted: boolean | string
}): string {
  const { url, openTo, log, trusted } = options
  const curl = typeof trusted === 'string' ? `curl --cacert ${quote(trusted)}` : trusted ? 'curl' : 'curl -k'
  const warned = typeof trusted === 'string' ? '  (it warns: go on, or have it trust that file)\n' : ''
  const warning = openTo === undefined ? '' : `Open: whoever reaches ${openTo} may publish and hear everything.\n`
  return `Listening on ${url}
${warning}Log in ${log}

Hear a topic:
  ${curl} -N ${url}/events/news
Say something on it:
  ${curl} -d 'Hello' ${url}/events/news
See it in a browser:
  ${url}/
${warned}
`
}

/** A path as a shell takes it. */
function quote(path: string): string {
  return /^[\w./~:-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}
