/** What is said once the hub answers: where it listens, where its log is, and three lines to paste. */
export function banner({ url, log, isOpen }: { url: string; log: string; isOpen: boolean }): string {
  return `Listening on ${url}
${isOpen ? 'Open: whoever reaches this address may publish and hear everything.\n' : ''}Log in ${log}

Hear a topic:
  curl -N ${url}/events/news
Say something on it:
  curl -d 'Hello' ${url}/events/news
See it in a browser:
  ${url}/

`
}
