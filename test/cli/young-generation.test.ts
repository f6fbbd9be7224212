import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { boundBytes } from '../../src/cli/serve/young-generation.js'

const built = new URL('../../dist/cli/serve/young-generation.js', import.meta.url)

/** Keeps much of what it allocates for a while, which lets a young generation grow as far as it may. */
const churn = `
  import { setImmediate as nextTurn } from 'node:timers/promises'
  const { boundYoungGeneration, youngBytes } = await import(${JSON.stringify(built.href)})
  if (process.argv[1] === 'bound') boundYoungGeneration()
  let kept = []
  for (let turn = 0; turn < 4_000; turn++) {
    for (let i = 0; i < 1_000; i++) kept.push({ turn, list: [i] })
    if (kept.length > 400_000) kept = kept.slice(200_000)
    await nextTurn()
  }
  console.log(youngBytes())
`

function youngBytesAfter(how: 'bound' | 'free'): number {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', churn, how], {
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  return Number(stdout)
}

it('the young generation of a hub stays small, where that of another program grows', () => {
  const bound = youngBytesAfter('bound')
  // It may double once more before anybody has looked.
  expect(bound).toBeLessThan(2 * boundBytes + 1)
  expect(youngBytesAfter('free')).toBeGreaterThan(bound)
})
