/** What is said once the hub answers: where it listens, where its log is, and three lines to paste. */
export function banner(options: {
  readonly url: string
  /** The address, if it is one that others may reach. */
  readonly openTo: string | undefined
  readonly log: string
  /** Whether clients take the hub for who it says it is, without being told to. */
  readonly isTrusted: boolean
}): string {
  const { url, openTo, log, isTrusted } = options
  const curl = isTrusted ? 'curl' : 'curl -k'
  const warning = openTo === undefined ? '' : `Open: whoever reaches ${openTo} may publish and hear everything.\n`
  return `Listening on ${url}
${warning}Log in ${log}

Hear a topic:
  ${curl} -N ${url}/events/news
Say something on it:
  ${curl} -d 'Hello' ${url}/events/news
See it in a browser:
  ${url}/

`
}
