import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, normalize } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { vectors } from '../conformance/wire/vectors.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What one request for a script's stream is answered with. JSON, since clients write the scripts. */
interface Answer {
  /** Default: 200. */
  readonly status?: number
  /** Beside a type of `text/event-stream`, and of other origins what `cors` says. `{other}` is the other origin of the server. */
  readonly headers?: Readonly<Record<string, string>>
  /** Each is written by itself: a text, or bytes. */
  readonly chunks?: readonly (string | readonly number[])[]
  /** `hold`: not until the client leaves, or the script is cut. Default: `end`. */
  readonly end?: 'end' | 'hold'
  /** How the body is delimited. Default: by chunks. */
  readonly framing?: 'chunked' | 'close'
  /** Default: `*`. */
  readonly cors?: 'none' | '*' | 'credentials'
}

interface Script {
  readonly answers: readonly Answer[]
  readonly requests: { method: string; path: string; port: number; atMs: number; headers: Record<string, unknown> }[]
  preflights: number
  /** How many connections for its streams are over. */
  closed: number
  changed: () => void
  /** Answers that are held. */
  readonly held: Set<ServerResponse>
}

/** What a run of the list of cases has found. */
export type Results = readonly { readonly name: string; readonly observed: unknown }[]

export interface ScenarioServer {
  /** Where it is. It has a second origin, which clients learn from `/about`. */
  readonly url: string
  /** Resolves with what the page or script that was given `key` reports. */
  results(key: string): Promise<Results>
  close(): Promise<void>
}

const types: Readonly<Record<string, string>> = { js: 'text/javascript', mjs: 'text/javascript', html: 'text/html' }

/**
 * Answers requests for streams as the clients themselves have written it: `POST /scripts` with a list of answers, then the n-th request of
 * `/streams/ID` has the n-th of them, and after the last a 204. `GET /scripts/ID` tells what came. Serves the list of cases and the client to pages.
 */
export async function startScenarioServer(): Promise<ScenarioServer> {
  const scripts: Script[] = []
  const awaited = new Map<string, (results: Results) => void>()
  let ports: number[] = []

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://server')
    const [, place = '', id = ''] = pathname.split('/')
    const script = scripts[Number(id)]
    if (place === 'streams' && script) {
      if (request.method === 'OPTIONS') answerPreflight(script, request, response)
      else await answerStream(script, request, response)
    } else if (place === 'scripts' && request.method === 'POST') {
      const answers = JSON.parse(await readText(request))
      const made = {
        answers,
        requests: [],
        preflights: 0,
        closed: 0,
        changed: () => undefined,
        held: new Set<ServerResponse>(),
      }
      json(response, { id: scripts.push(made) - 1 })
    } else if (place === 'scripts' && script) {
      if (searchParams.has('cut')) for (const { socket } of script.held) socket?.end()
      const wanted = ['requests', 'closed'].map(name => Number(searchParams.get(name) ?? 0))
      await until(script, () => script.requests.length >= (wanted[0] ?? 0) && script.closed >= (wanted[1] ?? 0))
      json(response, { requests: script.requests, preflights: script.preflights })
    } else if (place === 'about') {
      json(response, { origins: ports.map(port => `http://127.0.0.1:${port}`), vectors: vectorsAsJson() })
    } else if (place === 'results') {
      awaited.get(id)?.(JSON.parse(await readText(request)))
      json(response, {})
    } else {
      await answerFile(pathname, response)
    }
  }

  const answerStream = async (script: Script, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const answer = script.answers[script.requests.length] ?? { status: 204 }
    response.on('close', () => {
      script.closed++
      script.changed()
    })
    script.requests.push({
      method: request.method ?? '',
      path: request.url ?? '',
      port: request.socket.localPort ?? 0,
      atMs: performance.now(),
      headers: request.headers,
    })
    script.changed()
    const { status = 200, chunks = [], end = 'end', framing = 'chunked' } = answer
    const headers = { 'Content-Type': 'text/event-stream', ...cors(answer, request), ...answer.headers }
    for (const [name, value] of Object.entries(headers)) {
      const other = ports.find(port => port !== request.socket.localPort)
      response.setHeader(name, value.replace('{other}', `http://127.0.0.1:${other}`))
    }
    if (framing === 'close') {
      response.shouldKeepAlive = false
      response.useChunkedEncodingByDefault = false
    }
    response.writeHead(status)
    response.socket?.setNoDelay()
    if (chunks.length > 0 || end !== 'end') response.flushHeaders()
    for (const chunk of chunks) {
      // What is written at once is read at once.
      if (chunks.length > 1) await delay(1)
      if (response.destroyed) return
      if (chunk.length > 0) response.write(typeof chunk === 'string' ? chunk : Uint8Array.from(chunk))
    }
    if (end === 'end') response.end()
    else script.held.add(response)
  }

  const servers: Server[] = [0, 1].map(() =>
    createServer((request, response) => {
      handle(request, response).catch(error => response.destroy(error))
    }),
  )
  for (const server of servers) await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  ports = servers.map(server => (server.address() as AddressInfo).port)

  return {
    url: `http://127.0.0.1:${ports[0]}`,
    results: key => new Promise(resolve => awaited.set(key, resolve)),
    async close() {
      for (const server of servers) {
        server.closeAllConnections()
        await new Promise(resolve => server.close(resolve))
      }
    },
  }
}

function cors({ cors = '*' }: Answer, request: IncomingMessage): Record<string, string> {
  if (cors === 'none') return {}
  if (cors === '*') return { 'Access-Control-Allow-Origin': '*' }
  return {
    'Access-Control-Allow-Origin': request.headers.origin ?? '*',
    'Access-Control-Allow-Credentials': 'true',
  }
}

function answerPreflight(script: Script, request: IncomingMessage, response: ServerResponse): void {
  script.preflights++
  response.writeHead(204, {
    ...cors(script.answers[script.requests.length] ?? {}, request),
    'Access-Control-Allow-Headers': 'Last-Event-ID',
  })
  response.end()
}

/** The list of cases, and what was compiled. */
async function answerFile(pathname: string, response: ServerResponse): Promise<void> {
  const path = normalize(pathname)
  const ending = path.split('.').at(-1) ?? ''
  const file = path.startsWith('/dist/') ? join(root, path) : join(root, 'test', 'scenarios', path)
  const content = types[ending] && (await readFile(file).catch(() => undefined))
  response.writeHead(content ? 200 : 404, { 'Content-Type': types[ending] ?? 'text/plain' })
  response.end(content)
}

/** Resolves when the script's requests and connections are as wanted; soon asked again, in vain if the client leaves before. */
async function until(script: Script, isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    await new Promise<void>(resolve => {
      const { changed } = script
      script.changed = () => {
        changed()
        resolve()
      }
    })
  }
}

/** The streams of the conformance suite, and what is to be heard of them. */
export function vectorsAsJson(): object[] {
  return vectors.map(({ name, stream, events, retries = [], lastEventId = '' }) => ({
    name,
    stream: [...(typeof stream === 'string' ? new TextEncoder().encode(stream) : stream)],
    events: events.map(({ type = 'message', data, id = '' }) => [type, data, id]),
    retries,
    lastEventId: Buffer.from(lastEventId).toString('latin1'),
  }))
}

function json(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'Content-Type': 'application/json', 'Access-Control-Allow-Origin': '*' })
  response.end(JSON.stringify(value))
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  return text
}
