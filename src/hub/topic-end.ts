import type { EventLog, LogEvent, NewEvent } from '../log/log.js'

/**
 * How a stream of events ended: its producer closed it; its producer, or what that was made from, failed; somebody asked for it; or its
 * producer gave no sign of life until its lease had run out.
 */
export type Outcome = 'completed' | 'failed' | 'stopped' | 'abandoned'

/** With what a topic ended. */
export interface TopicEnd {
  /** Offset of its last event. */
  readonly offset: number
  /** What its readers are told in `$end`: JSON, with the outcome if its last event says one. */
  readonly data: string
}

/** The type, and the key, of the event with which a stream ends. With a key of its own it supersedes nothing that was said. */
const outcomeType = 'outcome'
const byData: ReadonlyMap<string, Outcome> = new Map(
  (['completed', 'failed', 'stopped', 'abandoned'] as const).map(outcome => [toData(outcome), outcome]),
)

function toData(outcome: Outcome): string {
  return JSON.stringify({ outcome })
}

/** The last event of a topic that is a stream: an event like others, so whoever reads several topics hears it too. */
export function toEnding(topic: string, outcome: Outcome): NewEvent {
  return { topic, type: outcomeType, key: outcomeType, data: toData(outcome), end: true }
}

/** The outcome that the last event of a topic says, whoever published it. */
export function outcomeOf({ type, data }: Pick<LogEvent, 'type' | 'data'>): Outcome | undefined {
  return type === outcomeType ? byData.get(data) : undefined
}

export function toTopicEnd(event: LogEvent): TopicEnd {
  return { offset: event.offset, data: outcomeOf(event) ? event.data : '{}' }
}

/** With which event a topic ended, if it did. */
export async function readLastEvent(log: EventLog, topic: string): Promise<LogEvent | undefined> {
  const end = (await log.topic(topic))?.end
  if (end === undefined) return undefined
  const { events } = await log.read(end - 1, {
    selectors: [{ text: topic, glob: undefined }],
    through: end,
    maxEvents: 1,
    maxBytes: 1,
  })
  return events[0]
}
