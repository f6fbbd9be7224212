import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { docs, makeSite } from '../support/site.js'

describe('the site of docs', () => {
  let site = ''
  const html = new Map<string, string>()

  beforeAll(async () => {
    site = await mkdtemp(join(tmpdir(), 'tidings-site-'))
    await makeSite(docs, site)
    for (const name of await readdir(site, { recursive: true })) {
      if (name.endsWith('.html')) html.set(name.replaceAll('\\', '/'), await readFile(join(site, name), 'utf8'))
    }
  })
  afterAll(() => rm(site, { recursive: true, force: true }))

  it('has every page, and each leads to all the others', async () => {
    const sources = (await readdir(docs, { recursive: true })).filter(name => name.endsWith('.md'))
    expect(html.size).toBe(sources.length)
    const pages = [...html.keys()].filter(path => path !== 'index.html').sort()
    for (const [path, text] of html) {
      const navigation = /<nav id="pages"[\s\S]*?<\/nav>/.exec(text)?.[0] ?? ''
      const listed = linksOf(navigation).map(link => posix.join(posix.dirname(path), link))
      expect([path, listed.sort()]).toEqual([path, pages])
    }
  })

  it('has what each link, picture, style and script leads to, on its own disk', () => {
    const astray: string[] = []
    for (const [path, text] of html) {
      const outward = linksOf(text.replaceAll(/<a [^>]*>/g, '')).filter(link => /^([a-z]+:|\/)/i.test(link))
      astray.push(...outward.map(link => `${path} loads ${link}`))
      for (const link of linksOf(text).filter(link => !/^https?:/.test(link))) {
        const [file = '', anchor] = link.split('#')
        const target = file === '' ? path : posix.join(posix.dirname(path), file)
        if (!existsSync(join(site, target))) astray.push(`${path} leads to ${link}`)
        else if (anchor !== undefined && !html.get(target)?.includes(` id="${anchor}"`)) {
          astray.push(`${path} leads to ${link}: no such place`)
        }
      }
    }
    expect(astray).toEqual([])
  })

  it('offers the other language where a page has one', () => {
    const switches = (path: string) => html.get(path)?.match(/<(html|a [^>]*hreflang)[^>]*>/g)
    expect(switches('start.html')).toEqual(['<html lang="en">', '<a href="ko/start.html" lang="ko" hreflang="ko">'])
    expect(switches('ko/start.html')).toEqual(['<html lang="ko">', '<a href="../start.html" lang="en" hreflang="en">'])
    expect(switches('concepts.html')).toEqual(['<html lang="en">'])
  })

  it('shows every drawing that there is, and each says what it is', async () => {
    const all = [...html.values()].join('')
    for (const name of (await readdir(join(docs, 'pictures'))).filter(name => name.endsWith('.svg'))) {
      expect([name, all.includes(`pictures/${name}"`)]).toEqual([name, true])
      const picture = await readFile(join(docs, 'pictures', name), 'utf8')
      expect(picture).toMatch(/<title id="title">[^<]+<\/title>\s*<desc id="about">[^<]+<\/desc>/)
      expect(picture).toContain('prefers-color-scheme: dark')
      expect(picture).not.toMatch(/href=|url\((?!#)/)
    }
    expect(all.match(/<img(?![^>]* alt=")/g)).toBeNull()
  })
})

describe('pages with a fault', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tidings-pages-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const build = async (files: Readonly<Record<string, string>>): Promise<string> => {
    const source = await mkdtemp(join(folder, 'source-'))
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(source, path)), { recursive: true })
      await writeFile(join(source, path), text)
    }
    await makeSite(source, `${source}-site`)
    return `${source}-site`
  }
  const index = '# Index\n\n## Pages\n\n- [A](a.md)\n'

  it.concurrent.each([
    ['a.md links to b.md: there is no such file', { 'a.md': '# A\n\n[b](b.md)\n' }],
    ['a.md links to a.md#there: there is no such heading', { 'a.md': '# A\n\n## Here\n\n[t](#there)\n' }],
    ['a.md links to ../b.md: there is no such file', { 'a.md': '# A\n\n[b](../b.md)\n' }],
    ['a.md shows p.svg: there is no such file', { 'a.md': '# A\n\n![A picture](p.svg)\n' }],
    ['a.md shows p.svg without a text', { 'a.md': '# A\n\n![](p.svg)\n', 'p.svg': '<svg/>' }],
    ['a.md has no heading of the first level', { 'a.md': 'A\n' }],
    ['c/b.md is not in the navigation', { 'a.md': '# A\n', 'c/b.md': '# B\n' }],
    ['README.md links to a.md: there is no such file', {}],
    ['README.md lists a.md twice', { 'README.md': `${index}- [B](a.md)\n`, 'a.md': '# A\n' }],
  ])('make no site: %s', async (message, files) => {
    await expect(build({ 'README.md': index, ...files })).rejects.toThrow(message)
  })

  it('make one when they are mended, with the anchors that code hosts give', async () => {
    const a = '# A\n\n## `x` & y, 한글!\n\n## Same\n\n## Same\n\n[1](#x--y-한글) [2](#same-1) <b>text</b> <!-- no -->\n'
    await expect(build({ 'README.md': index, 'a.md': a })).resolves.toContain('site')
  })

  it('make one without a link to what is beside them', async () => {
    await writeFile(join(folder, 'beside.txt'), '')
    const site = await build({
      'README.md': index,
      'a.md': '# A\n\nSee [this](../beside.txt) and [that](README.md).\n',
    })
    expect(await readFile(join(site, 'a.html'), 'utf8')).toContain(
      'See <span>this</span> and <a href="index.html">that</a>.',
    )
  })
})

function linksOf(html: string): string[] {
  return [...html.matchAll(/ (?:href|src)="([^"]*)"/g)].map(([, link = '']) => decodeURI(link.replaceAll('&amp;', '&')))
}
