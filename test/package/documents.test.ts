import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { resolveHttpSettings } from '../../src/http/settings.js'

const read = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

describe('docs/spec/http.md', () => {
  it('says the bounds that hold', async () => {
    const { limits } = resolveHttpSettings()
    const section = (await read('docs/spec/http.md')).split('## 11. Bounds')[1] ?? ''
    const bounds = new Map(
      [...section.matchAll(/^\| (.+?) +\| (.+?) +\| (.+?) +\|$/gm)].map(([, what = '', atMost = '']) => [what, atMost]),
    )
    const kib = 1024
    const mib = 1024 * kib
    expect(Object.fromEntries(bounds)).toMatchObject({
      'data of an event': `${limits.maxEventBytes / kib} KiB`,
      'JSON body of `POST /events`': `${limits.maxBodyBytes / mib} MiB, ${limits.maxEvents} events, ${limits.maxJsonDepth} levels`,
      'selectors of a subscription': String(limits.maxSelectors),
      'request target': `${limits.maxUrlBytes / kib} KiB`,
      'headers of a request': `${limits.maxHeaders} lines, ${limits.maxHeaderBytes / kib} KiB`,
      'time for the head of a request': `${limits.headersTimeoutMs / 1000} s`,
      'time for a whole body; between two pieces of an NDJSON body': `${limits.bodyTimeoutMs / 1000} s`,
      'time in which the reader of an answer takes no byte': `${limits.writeTimeoutMs / 1000} s, of a stream 60 s`,
      'bodies being read, all together': `${limits.maxPublishBytesInFlight / mib} MiB`,
      'answers not taken yet, all together': `${limits.maxPageBytesInFlight / mib} MiB`,
    })
  })
})

describe('the documents', () => {
  it.each([
    'README.md',
    'README.ko.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'docs/errors.md',
    'docs/reference/settings.md',
    'docs/spec/http.md',
  ])('%s points to files and headings that are there', async path => {
    const folder = path.slice(0, path.lastIndexOf('/') + 1)
    for (const [, target = ''] of (await read(path)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const [file = '', heading] = target.split('#')
      const text = await read(file === '' ? path : join(folder, file))
      if (heading === undefined) continue
      const anchors = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
        title
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N} -]/gu, '')
          .replaceAll(' ', '-'),
      )
      expect(anchors).toContain(heading)
    }
  })
})
