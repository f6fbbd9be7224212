import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isElsewhere, readPage, toSitePath } from './markdown.mjs'
import { renderPage } from './template.mjs'

/** What is wrong with the pages; the message has a line for each fault. */
export class DocsError extends Error {}

/**
 * Makes the site of all Markdown below `source` in `target`, which is emptied before. The index, `README.md`, is the
 * navigation: its headings of the second level, and the first link of each item of the lists below them.
 * Throws a `DocsError` if a link, an anchor or a picture leads nowhere, or a page is not in the navigation; nothing is written then.
 *
 * @param {string} source
 * @param {string} target
 * @returns {readonly import('./markdown.mjs').Page[]} The pages.
 */
export function buildSite(source, target) {
  const files = readdirSync(source, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => toSlashes(join(entry.parentPath, entry.name).slice(source.length + 1)))
    .sort()
  const pages = files
    .filter(path => path.endsWith('.md'))
    .map(path => readPage(path, readFileSync(join(source, path), 'utf8')))
  const navigation = readNavigation(readFileSync(join(source, 'README.md'), 'utf8'))
  const faults = findFaults(source, pages, new Set(files), navigation)
  if (faults.length > 0) throw new DocsError(faults.join('\n'))

  rmSync(target, { recursive: true, force: true })
  for (const page of pages) write(join(target, toSitePath(page.path)), renderPage(page, pages, navigation))
  for (const path of files.filter(path => !path.endsWith('.md'))) {
    mkdirSync(dirname(join(target, path)), { recursive: true })
    cpSync(join(source, path), join(target, path))
  }
  for (const name of ['site.css', 'site.js', 'icon.svg']) {
    cpSync(fileURLToPath(new URL(name, import.meta.url)), join(target, name))
  }
  return pages
}

/**
 * @typedef {object} Section
 * @property {string} title
 * @property {readonly {readonly title: string, readonly path: string}[]} items
 */

/**
 * The sections of the index.
 *
 * @param {string} index
 * @returns {readonly Section[]}
 */
export function readNavigation(index) {
  return index
    .split(/^## /m)
    .slice(1)
    .map(section => ({
      title: section.slice(0, section.indexOf('\n')).trim(),
      items: [...section.matchAll(/^- \[([^\]]+)\]\(([^)]+\.md)\)/gm)].map(([, title = '', path = '']) => ({
        title,
        path,
      })),
    }))
    .filter(({ items }) => items.length > 0)
}

/**
 * @param {string} source
 * @param {readonly import('./markdown.mjs').Page[]} pages
 * @param {ReadonlySet<string>} files
 * @param {readonly Section[]} navigation
 */
function findFaults(source, pages, files, navigation) {
  const anchors = new Map(pages.map(({ path, headings }) => [path, new Set(headings.map(({ anchor }) => anchor))]))
  const items = navigation.flatMap(({ items }) => items.map(({ path }) => path))
  const listed = new Set(items)
  const twice = items.filter((path, i) => items.indexOf(path) !== i)
  const faults = twice.map(path => `README.md lists ${path} twice.`)
  for (const { path, title, links, pictures } of pages) {
    if (title === '') faults.push(`${path} has no heading of the first level.`)
    if (path !== 'README.md' && !listed.has(path))
      faults.push(`${path} is not in the navigation: list it in docs/README.md.`)
    for (const link of links.filter(link => !isElsewhere(link))) {
      const [file = '', anchor] = link.split('#')
      const isThere = file.startsWith('../') ? existsSync(join(source, file)) : files.has(file)
      if (!isThere) faults.push(`${path} links to ${link}: there is no such file.`)
      else if (anchor !== undefined && !anchors.get(file)?.has(anchor))
        faults.push(`${path} links to ${link}: there is no such heading.`)
    }
    for (const { path: picture, alt } of pictures) {
      if (!files.has(picture)) faults.push(`${path} shows ${picture}: there is no such file.`)
      if (alt === '') faults.push(`${path} shows ${picture} without a text that stands for it.`)
    }
  }
  return faults
}

/**
 * @param {string} path
 * @param {string} text
 */
function write(path, text) {
  if (!existsSync(dirname(path))) mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

/** @param {string} path */
function toSlashes(path) {
  return path.replaceAll('\\', '/')
}
