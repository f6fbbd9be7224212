import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import * as http from 'node:http'
import * as https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll } from 'vitest'
import type { Certificate } from '../../src/http/certificate.js'
import { type HubProcess, startHubProcess } from '../support/hub-process.js'
import { startTunedHub, type TunedHub, type Tuning } from '../support/tuned-hub.js'

/** The hubs that the cases read, each in a process of its own, started when it is first asked for. */
export interface Hubs {
  /** As it is by itself, and in gzip for who asks for it; pages of `https://app.example` may do everything, pages of others hear `public`. */
  usual(): Promise<TunedHub>
  /** Has no place for streams or for polls that wait. */
  full(): Promise<TunedHub>
  /** Keeps the newest three events of each topic, and remembers none beside those. */
  forgetful(): Promise<TunedHub>
  /** Was put back to what it was before the events from `lost` on. */
  putBack(): Promise<HubProcess & { readonly lost: string }>
  /** `tidings serve` as it is by itself, one more each time, to be ended. */
  another(): Promise<HubProcess>
}

const compression = 'gzip'
const env = { TIDINGS_COMPRESSION: compression }

const tunings = {
  usual: { settings: { compression, allowedOrigins: ['https://app.example'], publicTopics: ['public'] } },
  full: { settings: { compression, limits: { maxStreams: 0, maxLongPolls: 0 } } },
  forgetful: {
    settings: { compression },
    hub: { maxRecentEvents: 1 },
    log: { retention: [{ selector: '**', count: 3 }], trimIntervalMs: 20 },
  },
} satisfies Record<string, Tuning>

/** The topic of the hub that was put back; its data are the numbers from 1. */
export const putBackTopic = 'put/back'

/** `certificate`: they speak TLS. */
export function createHubs(certificate?: () => Promise<Certificate>): Hubs {
  const directories: string[] = []
  const makeDirectory = async (): Promise<string> => {
    const directory = await mkdtemp(join(tmpdir(), 'tidings-transports-'))
    directories.push(directory)
    return directory
  }
  const secured = once(async () => certificate && (await certificate()))
  const tuned = async (tuning: Tuning): Promise<TunedHub> => startTunedHub({ ...tuning, certificate: await secured() })
  const args = once(async () => {
    const files = await secured()
    if (!files) return []
    const directory = await makeDirectory()
    const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
    await Promise.all([writeFile(cert, files.cert), writeFile(key, files.key)])
    return ['--tls-cert', cert, '--tls-key', key]
  })
  const plain = async (log?: string): Promise<HubProcess> =>
    startHubProcess({ ...(log !== undefined && { log }), args: await args(), env })
  afterAll(() => Promise.all(directories.map(each => rm(each, { recursive: true, force: true, maxRetries: 5 }))))
  return {
    usual: once(() => tuned(tunings.usual)),
    full: once(() => tuned(tunings.full)),
    forgetful: once(() => tuned(tunings.forgetful)),
    another: () => plain(),
    putBack: once(async () => {
      const directory = await makeDirectory()
      const [log, copy] = [join(directory, 'log'), join(directory, 'copy')]
      let hub = await plain(`lmdb:${log}`)
      await say(hub, ...['1', '2'].map(data => ({ topic: putBackTopic, data })))
      await hub.terminate()
      await cp(log, copy, { recursive: true, filter: source => !source.endsWith('.sock') })
      hub = await plain(`lmdb:${log}`)
      const [lost = ''] = await say(hub, { topic: putBackTopic, data: 'lost' })
      await hub.terminate()
      return { ...(await plain(`lmdb:${copy}`)), lost }
    }),
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

export interface Said {
  readonly topic: string
  readonly data: string
  readonly type?: string
  readonly key?: string
  readonly end?: boolean
}

/** Publishes at once; resolves to the ids. */
export async function say({ url }: { readonly url: string }, ...events: readonly Said[]): Promise<readonly string[]> {
  const isTls = url.startsWith('https:')
  const options = {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    rejectUnauthorized: false,
  }
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const asking = (isTls ? https : http).request(`${url}/events`, options, resolve)
    asking.on('error', reject)
    asking.end(JSON.stringify(events))
  })
  const answer: { readonly ids: readonly string[]; readonly code?: string } = JSON.parse(await text(response))
  if (response.statusCode !== 200) throw new Error(`publishing was answered ${response.statusCode} (${answer.code})`)
  return answer.ids
}
