import type { LogEvent, NewEvent } from '../log/log.js'

/**
 * Marks are events of a topic that hubs write for each other, under types that begin with `$`. No reader is given one, and none supersedes
 * what was published.
 */
export function isMark({ type }: Pick<LogEvent, 'type'>): boolean {
  return type.startsWith('$')
}

/** What the hub of a producer says while that lives. */
export interface LeaseMark {
  /** The first of its holder, who takes the topic over from any before. */
  readonly isOpening: boolean
  /** Without another mark for so long, the stream is abandoned. */
  readonly leaseMs: number
  /** Another one for each time that a stream is opened. */
  readonly holder: string
}

const leaseType = '$lease'
/** Publishers' keys have no control characters. */
const leaseKey = '\u0001lease'
const leaseForm = /^(open|held) ([1-9]\d{0,8}) (\S{1,64})$/

export function toLeaseEvent(topic: string, { isOpening, leaseMs, holder }: LeaseMark): NewEvent {
  return { topic, type: leaseType, key: leaseKey, data: `${isOpening ? 'open' : 'held'} ${leaseMs} ${holder}` }
}

/** The lease that a mark says; nothing if it says something else. */
export function toLeaseMark({ type, data }: Pick<LogEvent, 'type' | 'data'>): LeaseMark | undefined {
  const match = type === leaseType ? leaseForm.exec(data) : null
  return match ? { isOpening: match[1] === 'open', leaseMs: Number(match[2]), holder: match[3] as string } : undefined
}
