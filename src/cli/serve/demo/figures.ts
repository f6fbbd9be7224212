import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, freemem, loadavg, totalmem } from 'node:os'

/** One kind of this machine's figures, which changes from reading to reading. */
export interface Figure {
  readonly topic: string
  /** The figures now, or since the last reading. Throws what the operating system says. */
  read(): object
}

export interface Figures {
  readonly figures: readonly Figure[]
  /** What this machine does not tell, and why. */
  readonly missing: readonly { readonly topic: string; readonly reason: string }[]
}

/** What can be read of this machine without a program or a package. Each is read once here, to see that it can be. */
export function openFigures(clock: () => number): Figures {
  const figures: Figure[] = []
  const missing: { topic: string; reason: string }[] = []
  const attempt = (topic: string, open: () => () => object): void => {
    try {
      figures.push({ topic, read: open() })
    } catch (error) {
      if (!(error instanceof Error)) throw error
      missing.push({ topic, reason: error.message })
    }
  }
  attempt('host/cpu', openCpu)
  attempt('host/memory', () => readMemory)
  attempt('host/load', openLoad)
  attempt('host/network', () => openNetwork(clock))
  return { figures, missing }
}

function openCpu(): () => object {
  let before = cpus()
  if (before.length === 0) throw new Error('the operating system lists no processors')
  return () => {
    const now = cpus()
    const cores = now.map((core, i) => percentBusy(before[i]?.times, core.times))
    before = now
    return { percent: round(cores.reduce((sum, core) => sum + core, 0) / Math.max(1, cores.length)), cores }
  }
}

type CoreTimes = ReturnType<typeof cpus>[number]['times']

function percentBusy(before: CoreTimes | undefined, now: CoreTimes): number {
  // Processors may come and go; one that was not there before has nothing to compare with.
  if (!before) return 0
  const total = sum(now) - sum(before)
  if (total <= 0) return 0
  return round(Math.min(100, Math.max(0, 100 * (1 - (now.idle - before.idle) / total))))
}

function sum({ user, nice, sys, idle, irq }: CoreTimes): number {
  return user + nice + sys + idle + irq
}

function readMemory(): object {
  const totalBytes = totalmem()
  // On Linux this is what can be had without swapping, not what lies idle.
  const availableBytes = freemem()
  return { totalBytes, availableBytes, percent: round((100 * (totalBytes - availableBytes)) / totalBytes) }
}

function openLoad(): () => object {
  if (process.platform === 'win32') throw new Error('Windows keeps no load average')
  return () => {
    const [one = 0, five = 0, fifteen = 0] = loadavg()
    return { one: round(one), five: round(five), fifteen: round(fifteen), cores: availableParallelism() }
  }
}

interface NetworkReading {
  readonly time: number
  readonly received: number
  readonly sent: number
}

function openNetwork(clock: () => number): () => object {
  if (process.platform !== 'linux') throw new Error(`its counters are read from /proc, which ${process.platform} lacks`)
  let before = readNetwork(clock)
  return () => {
    const now = readNetwork(clock)
    const seconds = (now.time - before.time) / 1000
    // A counter that went back belongs to an interface that was taken away.
    const rate = (from: number, to: number): number =>
      seconds > 0 && to > from ? Math.round((to - from) / seconds) : 0
    const figures = {
      receivedBytesPerSecond: rate(before.received, now.received),
      sentBytesPerSecond: rate(before.sent, now.sent),
    }
    before = now
    return figures
  }
}

function readNetwork(clock: () => number): NetworkReading {
  return { time: clock(), ...sumNetwork(readFileSync('/proc/net/dev', 'utf8')) }
}

/** Bytes that all interfaces together have received and sent, but for the loopback: `table` is Linux's `/proc/net/dev`. */
export function sumNetwork(table: string): { received: number; sent: number } {
  let received = 0
  let sent = 0
  for (const line of table.split('\n')) {
    const match = /^\s*([^:\s]+):\s*(.*)$/.exec(line)
    if (!match || match[1] === 'lo') continue
    const columns = (match[2] ?? '').trim().split(/\s+/)
    received += Number(columns[0] ?? 0)
    sent += Number(columns[8] ?? 0)
  }
  return { received, sent }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
