import { readdirSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { readDocument } from '../support/document.js'
import { type HubProcess, startHubProcess } from '../support/hub-process.js'
import { shellBlocks, tryBlocks } from '../support/try-blocks.js'

const names = readdirSync(new URL('../../docs/', import.meta.url), { recursive: true, encoding: 'utf8' })
const paths = names.filter(name => name.endsWith('.md')).map(name => `docs/${name.replaceAll('\\', '/')}`)
const documents = await Promise.all(paths.sort().map(async path => [path, await readDocument(path)] as const))
const telling = documents.filter(([, document]) => shellBlocks(document).length > 0)

let hub: HubProcess
beforeAll(async () => {
  hub = await startHubProcess()
})

it('the pages that begin say what to type', () => {
  expect(telling.map(([path]) => path)).toEqual(expect.arrayContaining(['docs/ko/start.md', 'docs/start.md']))
})

describe.each(telling)('what %s says to type', (_path, document) => {
  tryBlocks(document, () => hub)
})
