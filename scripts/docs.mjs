// `npm run docs`: makes a static site of docs/ in .build/site; `npm run docs -- FROM TO`, of other pages elsewhere. The pages are
// plain Markdown, good to read as they are; the site adds navigation. It needs no server: opened from a file, all of it works.
import { join } from 'node:path'
import { buildSite, DocsError } from './docs/site.mjs'
import { root } from './set-up.mjs'

const [, , from = join(root, 'docs'), to = join(root, '.build', 'site')] = process.argv
try {
  const pages = buildSite(from, to)
  process.stdout.write(`${pages.length} pages in ${to}\n`)
} catch (error) {
  if (!(error instanceof DocsError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
