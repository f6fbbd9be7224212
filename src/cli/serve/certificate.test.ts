import { describe, expect, it } from 'vitest'
import { createLogger } from '../logger.js'
import { warnUnlessItHolds } from './certificate.js'

describe('a certificate', () => {
  it.each([
    [5, ['warn The certificate does not hold yet: browsers refuse it.']],
    [15, []],
    [25, ['warn The certificate has expired: browsers refuse it.']],
  ])('of a time from 10 to 20 is spoken of at %i', (now, said) => {
    const lines: string[] = []
    const logger = createLogger('info', {
      write(line: string) {
        const { level, msg }: { level: string; msg: string } = JSON.parse(line)
        lines.push(`${level} ${msg}`)
      },
    })
    warnUnlessItHolds(logger, { validFrom: 10, validTo: 20, isSelfSigned: false, covers: () => true }, now)
    expect(lines).toEqual(said)
  })
})
