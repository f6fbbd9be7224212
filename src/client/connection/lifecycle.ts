/**
 * The life of a connection, from one attempt to the next.
 *
 * `connecting`: an attempt is under way. `open`: the server has answered, and is heard. `waiting`: for the time of the next
 * attempt. `paused`: there is to be none while the page is hidden. `closed`: for good.
 */
export type ConnectionState = 'connecting' | 'open' | 'waiting' | 'paused' | 'closed'

/**
 * What can happen to it: the attempt was `opened`; it was `cut`, and is to be made again later; it is to be made `again` at once (with
 * another token, another transport, or by another way into the same); the time for it is `due`; the machine did `wake`, or its network;
 * the page is `hidden` or `shown`; the connection is to `finish`.
 */
export type Happening = 'opened' | 'cut' | 'again' | 'due' | 'wake' | 'hidden' | 'shown' | 'finish'

/**
 * `stay`: nothing is to be done. `never`: only a fault of ours can bring this about. Any state begins anew also where it follows itself.
 */
type Table = { readonly [S in ConnectionState]: { readonly [H in Happening]: ConnectionState | 'stay' | 'never' } }

const attempt = {
  cut: 'waiting',
  again: 'connecting',
  due: 'never',
  wake: 'connecting',
  hidden: 'paused',
  shown: 'stay',
  finish: 'closed',
} as const
/** Without an attempt, nothing can become of one. */
const noAttempt = { opened: 'never', cut: 'never', again: 'never' } as const
const noneToCome = { ...noAttempt, due: 'never', wake: 'stay', hidden: 'stay', shown: 'stay', finish: 'stay' } as const

/** Every state by everything that can happen; the compiler holds it complete. */
export const lifecycle: Table = {
  connecting: { opened: 'open', ...attempt },
  open: { opened: 'stay', ...attempt },
  waiting: { ...noAttempt, due: 'connecting', wake: 'connecting', hidden: 'paused', shown: 'stay', finish: 'closed' },
  paused: { ...noneToCome, shown: 'connecting', finish: 'closed' },
  closed: noneToCome,
}
