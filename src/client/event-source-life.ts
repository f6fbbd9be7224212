/**
 * The life of an `EventSource`. `waiting` (until it is time to come back) and `asking` (the request is out) are what its `readyState`
 * calls CONNECTING.
 */
export type State = 'waiting' | 'asking' | 'open' | 'closed'

/**
 * What can happen to it: it is `due` to come back; the answer is a stream (`opened`) or something else (`refused`); the
 * connection is `lost`, before or after; `close()`.
 */
export type Happening = 'due' | 'opened' | 'refused' | 'lost' | 'close'

/** `never`: only a fault in the client can bring this about. */
type Table = { readonly [S in State]: { readonly [H in Happening]: State | 'never' } }

/** Every state by everything that can happen; the compiler holds it complete. What comes too late, after `close()`, changes nothing. */
export const eventSourceLife: Table = {
  waiting: { due: 'asking', opened: 'never', refused: 'never', lost: 'never', close: 'closed' },
  asking: { due: 'never', opened: 'open', refused: 'closed', lost: 'waiting', close: 'closed' },
  open: { due: 'never', opened: 'never', refused: 'never', lost: 'waiting', close: 'closed' },
  closed: { due: 'closed', opened: 'closed', refused: 'closed', lost: 'closed', close: 'closed' },
}

/** The state that follows. Throws at what can never happen. */
export function next(state: State, happening: Happening): State {
  const following = eventSourceLife[state][happening]
  if (following === 'never') throw new Error(`An EventSource that is ${state}: ${happening}.`)
  return following
}
