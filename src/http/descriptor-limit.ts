import { readFileSync } from 'node:fs'

/** What is kept back from connections: the log's files, the listener, pipes, a little air. */
const reserve = 256
const fallback = 1024
const most = 1_000_000

/** How many connections this process can hold at once: the limit of open descriptors, less a reserve. */
export function connectionsWithinDescriptors(): number {
  const descriptors = Math.min(fromProc() ?? fromReport() ?? fallback, most)
  return Math.max(descriptors - Math.min(reserve, Math.floor(descriptors / 4)), 1)
}

/** What `/proc/self/limits` says, where there is one. */
function fromProc(): number | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    return parseLimits(readFileSync('/proc/self/limits', 'utf8'))
  } catch {
    // A container may mount no /proc, or deny it, and so may a runtime, each with an error of its own; the report then knows.
    return undefined
  }
}

/** The soft limit of open files in the text of `/proc/PID/limits`; Node.js raises it to the hard one when it starts. */
export function parseLimits(text: string): number | undefined {
  const soft = /^Max open files\s+(\d+|unlimited)\s/m.exec(text)?.[1]
  if (soft === undefined) return undefined
  return soft === 'unlimited' ? most : Number(soft)
}

function fromReport(): number | undefined {
  const report: unknown = process.report
  if (!isRecord(report) || typeof report['getReport'] !== 'function') return undefined
  // Without this the report looks up the name of every peer, which can take seconds.
  const hadNetwork = report['excludeNetwork']
  report['excludeNetwork'] = true
  try {
    const made: unknown = report['getReport']()
    const limits = isRecord(made) ? made['userLimits'] : undefined
    const files = isRecord(limits) ? limits['open_files'] : undefined
    const soft = isRecord(files) ? files['soft'] : undefined
    if (soft === 'unlimited') return most
    return typeof soft === 'number' ? soft : undefined
  } catch {
    // Deno makes one only for who may know the machine.
    return undefined
  } finally {
    report['excludeNetwork'] = hadNetwork
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
