/** A part of the log: what is behind one position, up to another. */
interface Stretch {
  readonly from: string
  readonly through: string
}

/**
 * How a stretch stands to a cursor: it goes on from there (`next`); a part of it does (`part`); all of it is seen (`seen`); or between the two
 * there may be more (`apart`).
 *
 * Positions are compared for equality, and within one history by their offsets. What else they may be is `apart`, which is always safe.
 */
export function relate({ from, through }: Stretch, cursor: string): 'next' | 'part' | 'seen' | 'apart' {
  if (from === cursor) return 'next'
  if (through === cursor) return 'seen'
  const [history, seen] = read(cursor)
  const [first, start] = read(from)
  const [last, end] = read(through)
  if (history !== last) return 'apart'
  if (seen >= end) return 'seen'
  // What begins in another history than it ends in begins before it.
  return seen < end && (first !== last || start <= seen) ? 'part' : 'apart'
}

/** Whether `id` is behind the cursor, in the same history. */
export function isBehind(id: string, cursor: string): boolean {
  return isOfOneHistory(id, cursor) && read(id)[1] > read(cursor)[1]
}

export function isOfOneHistory(position: string, other: string): boolean {
  return read(position)[0] === read(other)[0]
}

/** Its history and offset. What is no position has an offset that is neither less nor more than any other. */
function read(position: string): readonly [history: string, offset: number] {
  const [history = '', offset] = position.split('-')
  return [history, Number(offset)]
}
