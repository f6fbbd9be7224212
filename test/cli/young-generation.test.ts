import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { boundBytes } from '../../src/cli/serve/young-generation.js'

const built = new URL('../../dist/cli/serve/young-generation.js', import.meta.url)

/** Keeps much of what it allocates for a while, which lets a young generation grow as far as it may. */
const churn = `
  import { setImmediate as nextTurn } from 'node:timers/promises'
  const { boundYoungGeneration, youngBytes } = await import(${JSON.stringify(built.href)})
  boundYoungGeneration()
  let kept = []
  for (let turn = 0; turn < 4_000; turn++) {
    for (let i = 0; i < 1_000; i++) kept.push({ turn, list: [i] })
    if (kept.length > 400_000) kept = kept.slice(200_000)
    await nextTurn()
  }
  console.log(youngBytes())
`

it('the young generation of a hub stays small, whatever is allocated', () => {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', churn], { encoding: 'utf8' })
  expect(stderr).toBe('')
  // It may double once more before anybody has looked. Unbound, it comes to 32 MiB here [Node.js 20 and 22].
  expect(Number(stdout)).toBeLessThan(2 * boundBytes + 1)
})
