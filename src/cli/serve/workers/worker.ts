import { createLog } from '../../logger.js'
import type { Figures } from '../metrics.js'
import { joinLog } from '../open-log.js'
import { type RunningHub, startHub } from '../start-hub.js'
import { together } from '../together.js'
import { untilItEnds } from '../until-it-ends.js'
import { linkToPrimary, type PrimaryLink, processChannel } from './link.js'
import type { Question } from './messages.js'

const tellMs = 200

/** Serves readers beside others, as the process that started this one says. Resolves to the exit code when it is asked to end. */
export async function serveAsWorker(): Promise<number> {
  const link = linkToPrimary(processChannel())
  // A terminal tells all processes of what somebody types; what follows from it is the primary's to say.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)
  const { index, settings, certificate } = await link.begun
  const log = createLog({ level: settings.logLevel, format: settings.logFormat })
  const logger = log.logger.child({ worker: index })
  const code = await untilItEnds({ ...log, logger }, async () => {
    const events = await joinLog(settings)
    try {
      const running = await startHub(events, settings, logger, {
        certificate,
        // What workers answer is what this file makes of it, in another process.
        readFigures: together(async () => {
          const { joinFigures } = await import('../metrics.js')
          return joinFigures((await link.ask({ kind: 'figures' })) as readonly Figures[])
        }),
        async subscribersElsewhere(topics) {
          const counts = (await link.ask({ kind: 'subscribers', topics })) as readonly (readonly number[])[]
          return topics.map((_, i) => counts.reduce((sum, each) => sum + (each[i] ?? 0), 0))
        },
      })
      try {
        const reconfigure: RunningHub['reconfigure'] = (next, renewed) => {
          running.reconfigure(next, renewed)
          logger.level = next.logLevel
        }
        const { drainMs } = settings
        await serveUntilDrained(link, { ...running, reconfigure }, { isFirst: index === 1, drainMs })
      } finally {
        await running.close()
      }
    } finally {
      await events.close()
    }
  })
  // The channel would keep the process. It is not closed, for then `node:cluster` would end the process with 0, whatever was said.
  process.channel?.unref()
  return code
}

async function serveUntilDrained(
  link: PrimaryLink,
  { hub, server, figures, listening, reconfigure, feed }: RunningHub,
  { isFirst, drainMs }: { readonly isFirst: boolean; readonly drainMs: number },
): Promise<void> {
  let said = 0
  const told = setInterval(() => {
    const { subscriptions } = hub.status
    if (subscriptions !== said) link.say({ kind: 'left', subscriptions })
    said = subscriptions
  }, tellMs)
  const asked = new Promise<void>(resolve => {
    // One worker alone may be asked to end, too: another takes its place.
    process.on('SIGTERM', () => resolve())
    link.listen({
      drain: resolve,
      reconfigure,
      answer: async (question: Question) =>
        question.kind === 'figures' ? figures.figures() : question.topics.map(topic => hub.subscribers(topic)),
    })
  })
  link.say({ kind: 'listening', listening })
  const stopFeeds = isFirst ? feed() : () => undefined
  try {
    await asked
    stopFeeds()
    link.say({ kind: 'drained', ...(await server.drain(drainMs)) })
  } finally {
    clearInterval(told)
  }
}
