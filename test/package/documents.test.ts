import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { errorCodes } from '../../src/wire/errors.js'

const read = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

describe('docs/spec/http.md', () => {
  it('lists every code that is answered, with its status and title, and no other', async () => {
    const rows = (await read('docs/spec/http.md')).matchAll(/^\| (\d+) +\| `([a-z0-9-]+)` *\| (.+?) +\|$/gm)
    const listed = [...rows].map(([, status, code, title]) => `${status} ${code} ${title}`)
    const answered = Object.entries(errorCodes)
      .filter(([, [status]]) => status > 0)
      .map(([code, [status, title]]) => `${status} ${code} ${title}`)
    expect(listed.sort()).toEqual(answered.sort())
  })
})

describe('the documents', () => {
  it.each(['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docs/spec/http.md'])(
    '%s points to files and headings that are there',
    async path => {
      const folder = path.slice(0, path.lastIndexOf('/') + 1)
      for (const [, target = ''] of (await read(path)).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue
        const [file = '', heading] = target.split('#')
        const text = await read(file === '' ? path : folder + file)
        if (heading === undefined) continue
        const anchors = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
          title
            .toLowerCase()
            .replaceAll(/[^\p{L}\p{N} -]/gu, '')
            .replaceAll(' ', '-'),
        )
        expect(anchors).toContain(heading)
      }
    },
  )
})
