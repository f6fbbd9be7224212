// `npm run reference`: writes the pages of docs/reference that come from the program itself. Uses what was built.
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { metricsReference } from '../dist/cli/serve/metrics-reference.js'
import { settingsReference } from '../dist/cli/settings/reference.js'

const folder = fileURLToPath(new URL('../docs/reference/', import.meta.url))
mkdirSync(folder, { recursive: true })
writeFileSync(`${folder}settings.md`, settingsReference())
writeFileSync(`${folder}metrics.md`, await metricsReference())
