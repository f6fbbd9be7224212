import type { Clock } from '../connection/clock.js'
import type { Match } from '../connection/match.js'
import type { Page } from '../connection/page.js'
import type { Attempt, Ending, WireEvent } from '../connection/transport.js'
import type { Group } from './group.js'
import type { Loaded } from './loaded.js'
import type { Flow } from './messages.js'
import { isBehind, isOfOneHistory, relate } from './relate.js'

export interface MemberOptions {
  readonly loaded: Loaded
  readonly clock: Clock
  readonly group: Group
  /** The hub has answered it, so that its topics may be heard. */
  readonly onAdmitted: () => void
}

/** Gives a connection what it hears of the group, each event once and in order, and reads for itself what it has missed. */
export interface Member {
  attend(attempt: Attempt): Promise<Ending>
  /** Whether the hub has answered it once. */
  readonly isAdmitted: boolean
  /** All up to here was given, or is held to be given. */
  readonly tail: string
  push(flow: Flow): void
  /** The leader's stream is heard. */
  opened(): void
  /** The leader gave a sign of life. */
  heard(): void
  /** The leader's stream is gone, if it was heard. */
  cut(why: string): void
  /** This is what becomes of the attempt, or of the next one if there is none. */
  end(ending: Ending): void
  /** What was held is given up, to be read again. */
  forget(): void
}

/** What one member holds of flows, in events and in kilobytes together; beyond, it reads for itself at its own pace. */
const maxHeld = 2_048
/** At least so often a cursor is given, so that a quiet reader does not fall off a busy log. */
const cursorMs = 15_000
/** A topic that was quiet for so long may have ended: of several topics' stream, no end is told. */
const quietMs = 15_000

export function createMember({ loaded, clock, group, onAdmitted }: MemberOptions): Member {
  /** Made when the hub has taken the topics: what is wrong with one is its to say. */
  let selectors: readonly Match[] | undefined
  const only = group.topics.length > 0 ? group.onlyOf(group.topics) : ''
  let held: Flow[] = []
  let heldSize = 0
  /** All up to here was given, or was not of its topics. */
  let through = ''
  /** The cursor that its connection knows of. */
  let shown = ''
  let shownAt = clock.now()
  let isAdmitted = false
  let attempt: Attempt | undefined
  let isOpen = false
  let ending: Ending | undefined
  /** The topic may have ended. */
  let isToLook = false
  let quiet: unknown
  let wake: () => void = () => undefined

  const run = async (mine: Attempt): Promise<Ending> => {
    let isLate = false
    for (;;) {
      await mine.room()
      if (mine.signal.aborted) return { kind: 'again' }
      if (ending) {
        const given = ending
        ending = undefined
        return given
      }
      const flow = held[0]
      const relation = flow && relate(flow, through)
      if (!isAdmitted || isToLook || through === '' || relation === 'apart') {
        const page = await read(mine, isLate)
        if ('kind' in page) return page
        if (mine.signal.aborted) return { kind: 'again' }
        isLate = !page.more && through === page.cursor
        show(mine, page)
        // Whoever heard the page may have closed its connection.
        if (!isAdmitted && !mine.signal.aborted) {
          isAdmitted = true
          onAdmitted()
        }
        // Of a history that is not the newest, or not that of the hub that answered: what comes later will say.
        if (!page.more && flow && flow === held[0] && !isOfOneHistory(flow.through, through)) drop()
      } else if (relation) {
        if (relation !== 'seen') give(mine, flow)
        if (!mine.signal.aborted) drop()
        isLate = false
      } else {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    }
  }

  /** Reads what follows the cursor, as much as one answer has. `isLate`: it has just done so, and there was nothing yet. */
  const read = async (mine: Attempt, isLate: boolean): Promise<Page | Ending> => {
    isToLook = false
    const isNow = through === '' && !new URL(mine.settings.url).searchParams.has('since')
    const { answerMs } = mine.settings
    const asked = loaded.readPage(mine, through, {
      limit: '1000',
      ...(isNow && { since: 'now' }),
      ...(isLate && { wait: '1' }),
    })
    return new Promise((resolve, reject) => {
      const late = (): void => resolve({ kind: 'cut', why: `No answer came in ${answerMs} ms.` })
      const timer = clock.setTimeout(late, answerMs)
      void asked.then(resolve, reject).finally(() => clock.clearTimeout(timer))
    })
  }

  const show = (mine: Attempt, page: Page): void => {
    isOpen = true
    loaded.takePage(mine, page)
    // Where it was left in the middle, it goes on from what its connection has seen.
    if (mine.signal.aborted) return
    through = page.cursor
    shown = page.cursor
    shownAt = clock.now()
  }

  const give = (mine: Attempt, { from, events, isBeat, ...flow }: Flow): void => {
    const isPart = from !== through
    for (const event of events) {
      if ((isPart && !isBehind(event.id, through)) || !isMine(event)) continue
      through = event.id
      shown = event.id
      shownAt = clock.now()
      mine.take(event)
      if (mine.signal.aborted) return
      if (only !== '') watchEnd(event)
    }
    through = flow.through
    if (!isBeat && clock.now() - shownAt < cursorMs) return
    shown = through
    shownAt = clock.now()
    mine.take({ type: '$cursor', topic: '', id: through, data: '' })
  }

  const isMine = (event: WireEvent): boolean => {
    selectors ??= group.topics.map(loaded.toMatch)
    // The end is told if there is one topic, which is that of all members.
    return selectors.length === 0 || event.type === '$end' || selectors.some(isOf => isOf({ ...event, type: '' }))
  }

  const watchEnd = ({ type }: WireEvent): void => {
    clock.clearTimeout(quiet)
    const look = (): void => {
      isToLook = true
      wake()
    }
    // With this, streams that have an outcome end.
    if (type === 'outcome') look()
    else quiet = clock.setTimeout(look, quietMs)
  }

  const drop = (): void => {
    heldSize -= sizeOf(held.shift())
  }

  return {
    async attend(mine) {
      attempt = mine
      isOpen = false
      // What a refusal was is not less so for the next attempt.
      if (ending?.kind === 'cut') ending = undefined
      if (mine.cursor !== shown) {
        // Something was heard on another way, or not all that was given was taken.
        through = mine.cursor
        shown = mine.cursor
      }
      mine.signal.addEventListener('abort', () => wake())
      try {
        return await run(mine)
      } finally {
        if (attempt === mine) {
          attempt = undefined
          clock.clearTimeout(quiet)
        }
      }
    },
    get isAdmitted() {
      return isAdmitted
    },
    get tail() {
      return held.at(-1)?.through ?? through
    },
    push(flow) {
      held.push(flow)
      heldSize += sizeOf(flow)
      if (heldSize > maxHeld) {
        // What is left says how far it has to read.
        held = [{ from: flow.through, through: flow.through, events: [], isBeat: false }]
        heldSize = 1
      }
      wake()
    },
    opened() {
      isOpen = true
      attempt?.opened()
    },
    heard: () => attempt?.heard(),
    cut(why) {
      if (isOpen) this.end({ kind: 'cut', why })
    },
    end(given) {
      ending = given
      wake()
    },
    forget() {
      held = []
      heldSize = 0
    },
  }
}

function sizeOf(flow: Flow | undefined): number {
  let size = 0
  for (const { data } of flow?.events ?? []) size += 1 + data.length / 1024
  // A sign of life counts as an event.
  return size || 1
}
