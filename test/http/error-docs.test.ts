import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { errorCodes } from '../../src/wire/errors.js'

const docs = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
const rows = [...docs.matchAll(/^\| `([a-z0-9-]+)` +\|(?: (\d{3}) +\|)? .* \| .* \|$/gm)].map(
  ([, code = '', status]) => [code, Number(status ?? 0)] as const,
)

test('every code stands in the documentation, once, with its status, and no other does', () => {
  const documented = Object.fromEntries(rows)
  expect(rows.length).toBe(Object.keys(documented).length)
  expect(documented).toEqual(Object.fromEntries(Object.entries(errorCodes).map(([code, [status]]) => [code, status])))
})
