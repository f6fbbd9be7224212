import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { flagOf, variableOf } from './names.js'
import { settingsReference } from './reference.js'
import { settingPaths } from './table.js'

it('docs/reference/settings.md is what the table says (npm run reference)', async () => {
  const page = await readFile(new URL('../../../docs/reference/settings.md', import.meta.url), 'utf8')
  expect(page).toBe(settingsReference())
})

it('the reference has every setting, with all of its names', () => {
  const page = settingsReference()
  for (const path of settingPaths) {
    expect(page).toContain(`\n### \`${path}\`\n`)
    expect(page).toContain(`\`${flagOf(path)}`)
    expect(page).toContain(`\`${variableOf(path)}\``)
  }
})
