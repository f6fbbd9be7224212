import { beforeAll, describe, expect, it } from 'vitest'
import { readDocument } from '../support/document.js'
import { type HubProcess, startHubProcess } from '../support/hub-process.js'
import { shellBlocks, tryBlocks } from '../support/try-blocks.js'

it('README.ko.md says the same to type', async () => {
  const [english, korean] = await Promise.all(['README.md', 'README.ko.md'].map(readDocument))
  expect(shellBlocks(korean ?? '')).toEqual(shellBlocks(english ?? ''))
})

for (const path of ['README.md', 'README.ko.md']) {
  const document = await readDocument(path)
  describe(`what ${path} says to type`, () => {
    let hub: HubProcess
    beforeAll(async () => {
      hub = await startHubProcess({ args: ['--demo'] })
    })

    it('is there', () => {
      expect(shellBlocks(document).map(({ says }) => says)).toEqual(['listen', 'run', 'run', 'listen', 'run'])
    })

    tryBlocks(document, () => hub)
  })
}
