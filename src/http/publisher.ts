import type { Hub } from '../hub/hub.js'
import { TidingsError } from '../wire/errors.js'
import type { Budget } from './budget.js'
import type { HttpLimits } from './settings.js'

/** What publishing needs, in each of its forms. */
export interface Publisher {
  readonly hub: Hub
  readonly limits: HttpLimits
  /** Bytes of bodies that are being read or appended, and what their requests count for. */
  readonly inFlight: Budget
}

/** Bytes that a request counts for beside its body: about what Node.js holds for it. */
export const requestCost = 4096

export function overloaded(): TidingsError {
  return new TidingsError('overloaded', 'Too much is being published at once; try again soon.')
}
