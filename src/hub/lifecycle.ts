/**
 * The life of a subscription.
 *
 * Catching up is `waiting` (for its turn to read), `reading` (a read of the log is under way) and `held` (its sink holds bytes
 * back); `live` hears with everybody else; `ending` has been given its last bytes; `closed` has no sink any more.
 */
export type State = 'waiting' | 'reading' | 'held' | 'live' | 'ending' | 'closed'

/**
 * What can happen to it: its `turn` to read came; it was given a page and there is `more`; with that page it `reached` the
 * live flow; the live flow left it `behind`, and it is to read; a write was `full` (the sink holds bytes back); the sink `drained`;
 * it is to `finish`; its sink is `gone`.
 */
export type Happening = 'turn' | 'more' | 'reached' | 'behind' | 'full' | 'drained' | 'finish' | 'gone'

/** `never`: only a fault in the hub can bring this about. */
type Table = { readonly [S in State]: { readonly [H in Happening]: State | 'never' } }

const rest = { finish: 'ending', gone: 'closed' } as const
const noRead = { turn: 'never', more: 'never', reached: 'never', behind: 'never' } as const

/** Every state by everything that can happen; the compiler holds it complete. */
export const lifecycle: Table = {
  waiting: { ...noRead, turn: 'reading', full: 'held', drained: 'waiting', ...rest },
  reading: { ...noRead, more: 'waiting', reached: 'live', full: 'held', drained: 'reading', ...rest },
  held: { ...noRead, full: 'held', drained: 'waiting', ...rest },
  live: { ...noRead, behind: 'waiting', full: 'held', drained: 'live', ...rest },
  ending: { ...noRead, full: 'ending', drained: 'ending', ...rest },
  closed: { ...noRead, full: 'closed', drained: 'closed', finish: 'closed', gone: 'closed' },
}

/** The state that follows. Throws at what can never happen, because going on would lose or repeat events in silence. */
export function next(state: State, happening: Happening): State {
  const following = lifecycle[state][happening]
  if (following === 'never') throw new Error(`A subscription that is ${state} cannot see "${happening}".`)
  return following
}
