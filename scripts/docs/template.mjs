import { languageOf, languages, toSiteLink } from './markdown.mjs'

/** What the frame of a page says, in the languages that there are pages in. */
const words = {
  en: {
    skip: 'To the text',
    menu: 'Pages',
    contents: 'On this page',
    before: 'Before',
    after: 'Next',
    language: 'Language',
  },
  ko: { skip: '본문으로', menu: '문서', contents: '이 페이지', before: '이전', after: '다음', language: '언어' },
}

/**
 * A page of the site, whole. It asks nothing of any other site.
 *
 * @param {import('./markdown.mjs').Page} page
 * @param {readonly import('./markdown.mjs').Page[]} pages
 * @param {readonly import('./site.mjs').Section[]} navigation
 */
export function renderPage(page, pages, navigation) {
  const { path, title, language, html, headings } = page
  const say = words[/** @type {keyof typeof words} */ (language)]
  /** @param {string} target */
  const link = target => toText(toSiteLink(path, target))
  const base = '../'.repeat(path.split('/').length - 1)
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${toText(title)}${path === 'README.md' ? '' : ' · Tidings'}</title>
<link rel="icon" href="${base}icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${base}site.css">
<script src="${base}site.js" defer></script>
</head>
<body>
<a class="skip" href="#text">${say.skip}</a>
<header>
<a class="home" href="${link('README.md')}"><img src="${base}icon.svg" alt="" width="26" height="26">Tidings</a>
${renderLanguages(page, pages, say.language)}<button type="button" class="menu" popovertarget="pages">${say.menu}</button>
</header>
<div class="columns">
<nav id="pages" class="pages" aria-label="${say.menu}" popover>
${navigation.map(section => renderSection(section, path, link)).join('\n')}
</nav>
<main id="text" tabindex="-1">
${html}${renderNeighbours(path, navigation, link, say)}</main>
${renderContents(headings, say.contents)}</div>
</body>
</html>
`
}

/**
 * @param {import('./site.mjs').Section} section
 * @param {string} path
 * @param {(target: string) => string} link
 */
function renderSection({ title, items }, path, link) {
  const rows = items.map(item => {
    const language = languageOf(item.path)
    const current = item.path === path ? ' aria-current="page"' : ''
    return `<li><a href="${link(item.path)}" lang="${language}"${current}>${toText(item.title)}</a></li>`
  })
  return `<p>${toText(title)}</p>\n<ul>${rows.join('')}</ul>`
}

/**
 * The same page in the other languages that have it.
 *
 * @param {import('./markdown.mjs').Page} page
 * @param {readonly import('./markdown.mjs').Page[]} pages
 * @param {string} label
 */
function renderLanguages({ path, language }, pages, label) {
  const original = language === 'en' ? path : path.slice(language.length + 1)
  const all = [
    ['en', original, 'English'],
    ...Object.entries(languages).map(([code, name]) => [code, `${code}/${original}`, name]),
  ]
  const present = all.filter(([, other]) => pages.some(page => page.path === other))
  if (present.length < 2) return ''
  const links = present.map(([code = '', other = '', name = '']) =>
    code === language
      ? `<span aria-current="true" lang="${code}">${name}</span>`
      : `<a href="${toText(toSiteLink(path, other))}" lang="${code}" hreflang="${code}">${name}</a>`,
  )
  return `<nav class="languages" aria-label="${label}">${links.join(' ')}</nav>\n`
}

/**
 * @param {readonly import('./markdown.mjs').Heading[]} headings
 * @param {string} label
 */
function renderContents(headings, label) {
  const shown = headings.filter(({ level }) => level === 2 || level === 3)
  if (shown.length < 2) return ''
  const rows = shown.map(
    ({ level, text, anchor }) => `<li class="level-${level}"><a href="#${toText(anchor)}">${toText(text)}</a></li>`,
  )
  return `<nav class="contents" aria-label="${label}">\n<p>${label}</p>\n<ul>${rows.join('')}</ul>\n</nav>\n`
}

/**
 * The pages before and after this one in the navigation.
 *
 * @param {string} path
 * @param {readonly import('./site.mjs').Section[]} navigation
 * @param {(target: string) => string} link
 * @param {{readonly before: string, readonly after: string}} say
 */
function renderNeighbours(path, navigation, link, say) {
  const items = navigation.flatMap(section => section.items)
  const at = items.findIndex(item => item.path === path)
  const before = items[at - 1]
  const after = path === 'README.md' ? undefined : items[at + 1]
  if (!before && !after) return ''
  const left = before
    ? `<a href="${link(before.path)}" rel="prev"><small>${say.before}</small>${toText(before.title)}</a>`
    : ''
  const right = after
    ? `<a href="${link(after.path)}" rel="next"><small>${say.after}</small>${toText(after.title)}</a>`
    : ''
  return `<nav class="neighbours" aria-label="${say.before}, ${say.after}">${left}${right}</nav>\n`
}

/** @param {string} text */
function toText(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
