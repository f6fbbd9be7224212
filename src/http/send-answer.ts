import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Answer } from './answer.js'

/** Whether an answer of this status has neither body nor length (RFC 9110, 6.4.1 and 8.6). */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 304
}

/**
 * Sends `answer` as a response, with headers more that it does not have itself; to a HEAD the headers alone, with the length that
 * GET would have.
 */
export function sendAnswer(
  response: ServerResponse,
  { status, headers, body, isEndless }: Answer,
  more: Readonly<Record<string, string>>,
): void {
  const lines: string[] = []
  for (const name in headers) lines.push(name, headers[name] as string)
  for (const name in more) lines.push(name, more[name] as string)
  if (isBodiless(status)) {
    response.writeHead(status, lines).end()
    return
  }
  if (isEndless) lines.push('Connection', 'close')
  else lines.push('Content-Length', String(Buffer.byteLength(body)))
  // A text goes out in one piece with the headers.
  response.writeHead(status, lines).end(body)
}

/** The status line and headers of an answer after which the connection ends, as one text. */
export function toHead(status: number, headers: Readonly<Record<string, string>>, length?: number): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`
  for (const [name, value] of Object.entries(headers)) {
    // The last gate: nothing that came from a caller may end a header.
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) throw new RangeError(`The header ${name} has a control character.`)
    text += `${name}: ${value}\r\n`
  }
  if (length !== undefined) text += `Content-Length: ${length}\r\n`
  return `${text}Connection: close\r\nDate: ${httpDate()}\r\n\r\n`
}

/** Writes `answer` to a bare socket, in one write. */
export function writeAnswer(socket: Socket, answer: Answer): void {
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body
  const length = isBodiless(answer.status) ? undefined : body.length
  const head = Buffer.from(toHead(answer.status, answer.headers, length), 'latin1')
  socket.write(length ? Buffer.concat([head, body]) : head)
}

let dateSecond = 0
let dateText = ''

/** Now, as `Date` says it; made once a second. */
function httpDate(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== dateSecond) {
    dateSecond = second
    dateText = new Date(second * 1000).toUTCString()
  }
  return dateText
}
