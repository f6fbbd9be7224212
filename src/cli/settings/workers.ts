import { availableParallelism } from 'node:os'
import { type Kind, show } from './kinds.js'

/** How many processes hold connections; `auto`: one for each core that there is. */
export type Workers = number | 'auto'

const mostWorkers = 64
const rule = `\`auto\` or a whole number from 1 to ${mostWorkers}`

/** `auto`, or a number of processes. */
export const workers: Kind<Workers> = {
  value: 'COUNT',
  rule,
  fromTexts: ([given = ''], where) => check(/^[0-9]+$/.test(given) ? Number(given) : given, where),
  fromJson: check,
  toJson: count => count,
}

function check(given: unknown, where: Parameters<Kind<Workers>['fromJson']>[1]): Workers {
  if (given === 'auto') return given
  if (typeof given === 'number' && Number.isInteger(given) && given >= 1 && given <= mostWorkers) return given
  throw where.fault(`${show(given)} is not ${rule}.`)
}

/** The number that is meant. */
export function countWorkers(setting: Workers): number {
  return setting === 'auto' ? Math.min(mostWorkers, availableParallelism()) : setting
}
