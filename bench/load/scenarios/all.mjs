import { crowd } from './crowd.mjs'
import { fanOut } from './fan-out.mjs'
import { herd, scatteredHerd } from './herd.mjs'
import { large } from './large.mjs'
import { publishing } from './publishing.mjs'
import { startUp } from './start-up.mjs'
import { tls } from './tls.mjs'
import { globs, topics } from './topics.mjs'

/** All scenarios, in the order in which they run. @type {Readonly<Record<string, import('./scenario.mjs').Scenario>>} */
export const scenarios = {
  'fan-out': fanOut,
  topics,
  globs,
  herd,
  'scattered-herd': scatteredHerd,
  large,
  tls,
  publishing,
  start: startUp,
  crowd,
}
