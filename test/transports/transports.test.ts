import { afterEach, describe, expect, test } from 'vitest'
import { makeCertificate, openssl } from '../support/certificate.js'
import { transports } from './all.js'
import type { Case } from './cases/case.js'
import { dataCases } from './cases/data.js'
import { endingCases } from './cases/ending.js'
import { flowCases } from './cases/flow.js'
import { limitCases } from './cases/limits.js'
import { orderCases } from './cases/order.js'
import { resumeCases } from './cases/resume.js'
import { createHubs } from './hubs.js'
import type { Listening } from './transport.js'

const chapters: Readonly<Record<string, readonly Case[]>> = {
  order: orderCases,
  'coming back': resumeCases,
  flow: flowCases,
  data: dataCases,
  'limits and refusals': limitCases,
  endings: endingCases,
}

const hubs = createHubs()
const encrypted = createHubs(() => makeCertificate())
const opened: Listening[] = []
afterEach(() => {
  for (const listening of opened.splice(0)) listening.cut()
})

for (const [i, transport] of transports.entries()) {
  describe.skipIf(transport.isEncrypted && !openssl)(transport.name, () => {
    for (const [chapter, cases] of Object.entries(chapters)) {
      for (const [at, { title, run }] of cases.entries()) {
        test(`${chapter}: ${title}`, () =>
          run({
            transport,
            hubs: transport.isEncrypted ? encrypted : hubs,
            topic: `${chapter}/${at}/${i}`,
            async open(url, ask) {
              const listening = await transport.open(url, ask)
              opened.push(listening)
              return listening
            },
          }))
      }
    }
  })
}

test('each transport has a name of its own', () => {
  expect(new Set(transports.map(({ name }) => name)).size).toBe(transports.length)
})
