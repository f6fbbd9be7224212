import { exitCodes } from '../exit-codes.js'
import { CommandEnd, refusedEnd } from '../hub-client/command-end.js'
import { type Sender, Unanswered } from './sender.js'

/** An event as `POST /events` takes it. */
export interface OneEvent {
  readonly topic: string
  readonly data: string
  readonly type: string | undefined
  readonly key: string | undefined
  readonly eventId: string | undefined
  readonly end: boolean
}

/**
 * Publishes one event, once, and resolves to its id. Rejects with `CommandEnd` if the hub refuses it or is away for too long.
 */
export async function publishOne(sender: Sender, event: OneEvent): Promise<string> {
  const body = Buffer.from(JSON.stringify(event))
  const answer = await sender.send('application/json', body, 'the event').catch((error: unknown) => {
    if (!(error instanceof Unanswered)) throw error
    const fate = error.isUnknown ? 'Unknown whether the event was published.' : 'The event was not published.'
    throw new CommandEnd(exitCodes.unreachable, `${error.message} ${fate}`)
  })
  if (answer.kind === 'refused') throw refusedEnd(answer.refusal)
  if (answer.kind === 'partly') throw new Error('The hub kept a part of one event.')
  return String(answer.body['id'])
}
