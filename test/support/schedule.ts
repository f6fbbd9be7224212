import { setImmediate as nextTurn } from 'node:timers/promises'
import { createHub } from '../../src/hub/create-hub.js'
import type { Hub } from '../../src/hub/hub.js'
import type { Since } from '../../src/hub/request.js'
import type { Encoding } from '../../src/hub/sink.js'
import type { EventLog, LogEvent, NewEvent, RetentionRule } from '../../src/log/log.js'
import { TidingsError } from '../../src/wire/errors.js'
import { parsePosition } from '../../src/wire/names.js'
import { matchesAny, parseSelector } from '../../src/wire/selector.js'
import { PollingClient } from './polling-client.js'
import { Random } from './random.js'
import { StreamClient } from './stream-client.js'
import { Truth } from './truth.js'

/** A log as a schedule drives it. */
export interface ScheduledLog {
  readonly log: EventLog
  /** The log itself, where `log` only shows it late or not at all. */
  readonly truth: EventLog
  /** Gives the log back and opens it again; nothing if it does not outlive its process. */
  reopen?(): Promise<void>
  /** What else can happen to it, each with its weight. Told before it happens, so that the truth is known. */
  readonly misfortunes: readonly { readonly weight: number; happen(random: Random): Promise<void> | void }[]
  /** Only a hub that saw what the log has lost since can know that it did: no other may take its place now. */
  readonly isInDoubt?: boolean
  /** Puts an end to all misfortunes. */
  settle(): Promise<void> | void
  close(): Promise<void>
}

export const scheduleRetention: readonly RetentionRule[] = [
  { selector: 'kept/**', count: 5_000 },
  { selector: 'busy/**', count: 60 },
  { selector: 'state/*', count: 150, keepLatest: true },
  { selector: '**', count: 400 },
]

const topics = ['a', 'a/b', 'a/b/c', 'busy/1', 'busy/2', 'state/x', 'state/y', 'kept/1', 'kept/2/deep', '한국/서울']
const selections = [
  ['a'],
  ['**'],
  ['a/*'],
  ['a/**'],
  ['busy/*', 'a'],
  ['state/*'],
  ['kept/**'],
  ['*/*'],
  ['한국/*'],
  ['a', 'a/b', 'kept/1'],
]

export interface ScheduleOutcome {
  readonly published: number
  readonly heard: number
  /** Events that those who ask for pages were given. */
  readonly polled: number
  readonly gaps: number
  readonly connections: number
}

/** Runs `steps` random steps; throws at the first thing that a client should not have heard, or at the end for what it missed. */
export async function runSchedule(
  scheduled: ScheduledLog,
  encodingFor: (selectors: readonly string[]) => Encoding,
  options: { readonly seed: number; readonly steps: number },
): Promise<ScheduleOutcome> {
  const random = new Random(options.seed)
  const truth = new Truth()
  const reports: unknown[] = []
  const hubOptions = {
    heartbeatMs: 100,
    random: () => random.next(),
    maxRecentEvents: random.pick([0, 20, 16_384]),
    maxHeldBytes: 1 << 20,
    report: (message: string, error?: unknown) => {
      reports.push(message)
      if (error !== undefined) ignoreAbsenceLater(error)
    },
  }
  let hub: Hub = await createHub(scheduled.log, hubOptions)
  const clients: StreamClient[] = []
  const pollers = selections.map((texts, i) => new PollingClient(`poller ${i}`, texts.map(parseSelector), truth))
  let published = 0
  let connections = 0
  let ends = 0
  const faults: unknown[] = []
  const ignoreAbsenceLater = (error: unknown): void => {
    if (!(error instanceof TidingsError) || error.code !== 'log-unavailable') faults.push(error)
  }
  const publishing = new Set<Promise<void>>()

  const newEvents = (): NewEvent[] => {
    const isEnding = random.chance(0.02)
    const endTopic = `kept/end-${ends}`
    if (isEnding) ends++
    return Array.from({ length: 1 + random.below(5) }, (_, i, count = random.below(3)) => {
      const topic = isEnding ? endTopic : random.pick(topics)
      return {
        topic,
        data: `${topic} ${++published}`,
        key: random.pick(['', 'k1', 'k2']),
        type: count === 0 ? 'trade' : undefined,
        end: isEnding && i === 0 ? true : undefined,
      }
    }).slice(0, isEnding ? 1 : 5)
  }
  const publish = async (): Promise<void> => {
    try {
      await hub.publish(newEvents())
    } catch (error) {
      if (!(error instanceof TidingsError) || error.code !== 'log-unavailable') throw error
    }
  }
  const sinces: (() => Since | undefined)[] = [
    () => undefined,
    () => ({ kind: 'now' }),
    () => ({ kind: 'earliest' }),
    () => ({ kind: 'latest' }),
    () => ({ kind: 'time', time: Date.now() - random.below(1_000) }),
    () => ({ kind: 'position', position: random.pick(['0-0', 'nonsense', hub.status.tail]) }),
  ]
  const newClient = (): StreamClient => {
    const texts = random.chance(0.05) ? [`kept/end-${Math.max(0, ends - 1)}`] : random.pick(selections)
    const client = new StreamClient(
      {
        name: `client ${clients.length}`,
        selectors: texts.map(parseSelector),
        since: random.pick(sinces)(),
        conflateMs: random.chance(0.75) ? undefined : random.pick([0, 1, 20]),
        encoding: encodingFor(texts),
      },
      truth,
    )
    clients.push(client)
    return client
  }
  const connect = async (client: StreamClient): Promise<void> => {
    connections++
    try {
      await client.connect(hub)
    } catch (error) {
      if (!(error instanceof TidingsError) || error.code !== 'log-unavailable') throw error
    }
  }
  /** Whether it has all that there is. */
  const poll = async (poller: PollingClient, limit: number): Promise<boolean> => {
    try {
      return await poller.poll(hub, limit, scheduled.truth)
    } catch (error) {
      ignoreAbsence(error)
      return false
    }
  }
  const pickClient = (): StreamClient | undefined => (clients.length > 0 ? random.pick(clients) : undefined)
  const observe = (): Promise<void> => truth.observe(scheduled.truth)

  const acts: { readonly weight: number; act(): Promise<void> | void }[] = [
    {
      weight: 30,
      act: async () => {
        await publish()
        await observe()
      },
    },
    {
      weight: 6,
      act: () => {
        const answer = publish().finally(() => publishing.delete(answer))
        publishing.add(answer)
      },
    },
    { weight: 25, act: async () => void (await nextTurn()) },
    {
      weight: 12,
      act: async () => {
        const client = pickClient()
        await observe()
        client?.read()
        await client?.settleDoubts(scheduled.truth)
      },
    },
    { weight: 6, act: () => pickClient()?.stall() },
    { weight: 3, act: () => poll(random.pick(pollers), random.pick([1, 10, 1000])) },
    {
      weight: 8,
      act: async () => {
        const client = pickClient()
        await observe()
        client?.cut(random.below(client.bytesUnderWay + 1))
        await client?.settleDoubts(scheduled.truth)
      },
    },
    {
      weight: 8,
      act: async () => {
        const client = clients.length < 24 ? newClient() : pickClient()
        await observe()
        if (client && !client.hasEnded) await connect(client)
      },
    },
    { weight: 2, act: async () => observe().then(() => scheduled.log.trim().catch(ignoreAbsence)) },
    {
      weight: 0.3,
      act: async () => {
        if (scheduled.isInDoubt) return
        await Promise.all(publishing)
        await hub.close()
        hub = await openHub()
      },
    },
    {
      weight: scheduled.reopen ? 0.1 : 0,
      act: async () => {
        await Promise.all(publishing)
        await observe()
        await hub.close()
        await scheduled.reopen?.()
        hub = await openHub()
      },
    },
    ...scheduled.misfortunes.map(({ weight, happen }) => ({
      weight,
      act: async () => {
        await Promise.all(publishing)
        await observe()
        await happen(random)
        await observe()
      },
    })),
  ]
  const openHub = async (): Promise<Hub> => {
    for (;;) {
      try {
        return await createHub(scheduled.log, hubOptions)
      } catch (error) {
        ignoreAbsence(error)
        await scheduled.settle()
      }
    }
  }
  const totalWeight = acts.reduce((sum, { weight }) => sum + weight, 0)

  try {
    for (let step = 0; step < options.steps; step++) {
      let left = random.next() * totalWeight
      for (const { weight, act } of acts) {
        left -= weight
        if (left >= 0) continue
        await act()
        break
      }
    }
    await Promise.all(publishing)
    await scheduled.settle()
    await observe()
    await hearOut()
    for (const poller of pollers) while (!(await poll(poller, 1000))) await nextTurn()
    if (faults.length > 0) throw faults[0]
  } finally {
    await hub.close()
    await scheduled.close()
  }
  return {
    published,
    connections,
    heard: clients.reduce((sum, client) => sum + client.heard, 0),
    polled: pollers.reduce((sum, poller) => sum + poller.heard, 0),
    gaps: clients.reduce((sum, client) => sum + client.gaps, 0),
  }

  /** Everybody listens until they have heard all, or it is clear that they will not. */
  async function hearOut(): Promise<void> {
    for (const client of clients) if (!client.isConnected && !client.hasEnded) await connect(client)
    const giveUpAt = Date.now() + 20_000
    let waiting = clients
    while (waiting.length > 0 && Date.now() < giveUpAt) {
      await nextTurn()
      await observe()
      for (const client of waiting) {
        client.read()
        await client.settleDoubts(scheduled.truth)
        if (!client.isConnected && !client.hasEnded) await connect(client)
      }
      const tail = parsePosition(hub.status.tail)
      const newest = await newestLeft()
      waiting = waiting.filter(client => {
        if (client.hasEnded || !tail) return false
        if (!client.position) return true
        if (client.plan.conflateMs === undefined) return client.missing(tail).length > 0
        const { selectors } = client.plan
        return client.lacksNewest(newest.filter(event => matchesAny(selectors, event.topic))).length > 0
      })
    }
    const left = waiting[0]
    if (left) {
      throw new Error(
        `${waiting.length} never heard all that they should; first ${left.plan.name} at ${JSON.stringify(left.position)} of ${hub.status.tail}: ${JSON.stringify(left.plan)}; reports: ${JSON.stringify(reports.slice(-3))}`,
      )
    }
  }

  /** The newest events of each topic and key that the log has. */
  async function newestLeft(): Promise<LogEvent[]> {
    const page = await scheduled.truth.read(0, { maxEvents: 1000, maxBytes: 1 << 24, newest: true })
    return [...page.events]
  }
}

function ignoreAbsence(error: unknown): void {
  if (!(error instanceof TidingsError) || error.code !== 'log-unavailable') throw error
}
