import { posix } from 'node:path'
import MarkdownIt from 'markdown-it'

/**
 * A page as it is written, and what it is made of.
 *
 * @typedef {object} Page
 * @property {string} path From the folder of all pages, with slashes: `guide/publishing.md`.
 * @property {string} title Its first heading, as text.
 * @property {string} language Of its text, as browsers name it.
 * @property {string} html Its body; links lead to pages of the site.
 * @property {readonly Heading[]} headings Those below the first.
 * @property {readonly string[]} links Where its links lead, from the folder of all pages, anchors included; `https:` as they are;
 *   out of the folder with `../`.
 * @property {readonly {readonly path: string, readonly alt: string}[]} pictures
 */

/**
 * @typedef {object} Heading
 * @property {number} level
 * @property {string} text
 * @property {string} anchor
 */

/** The folder of a page decides its language; what is in none of these is English. */
export const languages = /** @type {const} */ ({ ko: '한국어' })

/** @param {string} path */
export function languageOf(path) {
  const folder = path.split('/', 1)[0] ?? ''
  return folder in languages ? folder : 'en'
}

/**
 * Reads a page. Raw HTML in it is shown as text; comments are left out.
 *
 * @param {string} path
 * @param {string} source
 * @returns {Page}
 */
export function readPage(path, source) {
  const markdown = new MarkdownIt()
  const tokens = markdown.parse(source.replaceAll(/<!--.*?-->/gs, ''), {})
  const anchors = new Set()
  /** @type {Heading[]} */
  const headings = []
  /** @type {string[]} */
  const links = []
  /** @type {{path: string, alt: string}[]} */
  const pictures = []
  let title = ''
  const { rules } = markdown.renderer
  const word = languageOf(path) === 'ko' ? '표' : 'Table'
  let tables = 0
  tokens.forEach((token, i) => {
    if (token.type === 'heading_open') {
      const text = plain(tokens[i + 1]?.children ?? [])
      const anchor = toAnchor(text, anchors)
      token.attrSet('id', anchor)
      if (token.tag === 'h1') title ||= text
      else headings.push({ level: Number(token.tag.slice(1)), text, anchor })
    }
    // A heading of a table that says nothing is none.
    const isEmpty = (tokens[token.type === 'th_open' ? i + 1 : i - 1]?.content ?? '') === ''
    if ((token.type === 'th_open' || token.type === 'th_close') && isEmpty) token.tag = 'td'
    let isOutside = false
    for (const child of token.children ?? []) {
      if (child.type === 'link_open') {
        const target = resolve(path, String(child.attrGet('href') ?? ''))
        links.push(target)
        child.attrSet('href', toSiteLink(path, target))
        // What is beside the pages, the site does not have; there, the words stand without a link.
        isOutside = target.startsWith('../')
        if (isOutside) {
          child.tag = 'span'
          child.attrs = null
        }
      } else if (child.type === 'link_close' && isOutside) {
        child.tag = 'span'
      } else if (child.type === 'image') {
        const target = resolve(path, String(child.attrGet('src') ?? ''))
        pictures.push({ path: target, alt: child.content })
      }
    }
  })
  rules['heading_close'] = (tokens, i) => {
    const anchor = String(tokens[i - 2]?.attrGet('id') ?? '')
    const close = `</${tokens[i]?.tag}>\n`
    if (tokens[i]?.tag === 'h1') return close
    const label = markdown.utils.escapeHtml(headings.find(heading => heading.anchor === anchor)?.text ?? '')
    return ` <a class="anchor" href="#${anchor}" aria-label="${label}" title="${label}">#</a>${close}`
  }
  // What scrolls must be reachable by keyboard, and tell what it is.
  rules['table_open'] = () => `<div class="table" role="region" aria-label="${word} ${++tables}" tabindex="0"><table>\n`
  rules['table_close'] = () => '</table></div>\n'
  rules['fence'] = (tokens, i) => {
    const { content = '', info = '' } = tokens[i] ?? {}
    const language = info.split(' ', 1)[0]
    return `<div class="code" data-language="${markdown.utils.escapeHtml(language || 'text')}"><pre tabindex="0"><code>${markdown.utils.escapeHtml(content)}</code></pre></div>\n`
  }
  return {
    path,
    title,
    language: languageOf(path),
    html: markdown.renderer.render(tokens, markdown.options, {}),
    headings,
    links,
    pictures,
  }
}

/**
 * The page of the site at which `target` (from the folder of all pages, anchor included) is, as seen from `path`.
 *
 * @param {string} path
 * @param {string} target
 */
export function toSiteLink(path, target) {
  if (isElsewhere(target)) return target
  const [file = '', anchor] = target.split('#')
  const link = posix.relative(posix.dirname(path), toSitePath(file)) || posix.basename(toSitePath(file))
  return anchor === undefined ? link : `${link}#${anchor}`
}

/**
 * The file of the site that a file of the pages becomes.
 *
 * @param {string} path
 */
export function toSitePath(path) {
  return path.replace(/(^|\/)README\.md$/, '$1index.html').replace(/\.md$/, '.html')
}

/**
 * Whether a link leads to another site.
 *
 * @param {string} link
 */
export function isElsewhere(link) {
  return /^[a-z]+:/i.test(link)
}

/**
 * @param {string} path
 * @param {string} link
 */
function resolve(path, link) {
  if (isElsewhere(link)) return link
  if (link.startsWith('#')) return `${path}${decodeURIComponent(link)}`
  return posix.join(posix.dirname(path), decodeURIComponent(link))
}

/**
 * The anchor that code hosts give a heading.
 *
 * @param {string} text
 * @param {Set<string>} taken
 */
function toAnchor(text, taken) {
  const base = text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-')
  let anchor = base
  for (let i = 1; taken.has(anchor); i++) anchor = `${base}-${i}`
  taken.add(anchor)
  return anchor
}

/** @param {readonly import('markdown-it').Token[]} tokens */
function plain(tokens) {
  return tokens.map(({ content }) => content).join('')
}
