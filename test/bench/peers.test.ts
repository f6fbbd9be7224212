import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCertificate, openssl } from '../support/certificate.js'

interface Outcome {
  readonly verdict: 'holds' | 'breaks' | 'not claimed'
  readonly says: string
}
interface Row {
  readonly title: string
  try(name: string, place: { readonly certificate: readonly string[] }): Promise<Outcome>
}
interface Bench {
  readonly rows: Readonly<Record<string, Row>>
  readonly peers: Readonly<Record<string, object>>
  parse(text: string): readonly object[]
  withTable(page: string, run: unknown): string
}

// The bench is JavaScript, checked by a project of its own; what it gives is named here.
const bench = new URL('../../bench/', import.meta.url)
const load = async (name: string): Promise<Bench> => import(new URL(`peers/${name}`, bench).href)
const { rows } = await load('rows/all.mjs')
const { parse } = await load('hear.mjs')
const { withTable } = await load('report.mjs')

let folder = ''
let certificate: readonly string[] = []
beforeAll(async () => {
  if (!openssl) return
  folder = await mkdtemp(join(tmpdir(), 'tidings-peers-'))
  const { cert, key } = await makeCertificate()
  certificate = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  await writeFile(certificate[0] ?? '', cert)
  await writeFile(certificate[1] ?? '', key)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('a hub in an application', () => {
  it.each(Object.entries(rows))(
    'does what is asked in the table of docs/peers.md: %s',
    { timeout: 60_000 },
    async (name, row) => {
      if (name === 'http2' && !openssl) return
      expect(await row.try('tidings', { certificate })).toMatchObject({ verdict: 'holds' })
    },
  )
})

// The probes are worth what they notice.
describe('Express by itself, as tutorials have it', () => {
  it.each(['id', 'type', 'comment', 'data'])('is seen to forge by %s', { timeout: 30_000 }, async name => {
    expect(await rows[name]?.try('express', { certificate })).toMatchObject({ verdict: 'breaks', says: '**forged**' })
  })

  it('is seen to keep no events', { timeout: 30_000 }, async () => {
    expect(await rows['reconnect']?.try('express', { certificate })).toMatchObject({ says: 'keeps no events' })
    expect(await rows['unknown-cursor']?.try('express', { certificate })).toMatchObject({ says: 'keeps no events' })
  })

  it('is seen to keep what a stalled reader does not take', { timeout: 60_000 }, async () => {
    expect(await rows['stalled']?.try('express', { certificate })).toMatchObject({ verdict: 'breaks' })
  })
})

it('the reader of the probes hears what EventSource would', () => {
  const text = ': a\rid: 1\nevent: x\r\ndata:a\ndata: b\ndata\n\nid: 2\0\ndata: c\n\nevent: y\n\ndata: d\r\r\ndata: cut'
  expect(parse(text)).toEqual([
    { type: 'x', data: 'a\nb\n', id: '1' },
    { type: 'message', data: 'c', id: '1' },
    { type: 'message', data: 'd', id: '1' },
  ])
})

it('docs/peers.md has the table of the newest result', async () => {
  const results = fileURLToPath(new URL('results/', bench))
  const newest = (await readdir(results))
    .filter(name => /^peers-.*\.json$/.test(name))
    .sort()
    .at(-1)
  const page = await readFile(new URL('../docs/peers.md', bench), 'utf8')
  const run: unknown = JSON.parse(await readFile(join(results, newest ?? 'none'), 'utf8'))
  expect(withTable(page, run)).toBe(page)
})
