import { readdir, readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Asset, Assets } from '../../http/assets.js'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** What pages of the hub are made of. */
const consoleFolder = new URL('../../../console/', import.meta.url)
/** What pages of every origin may load: `tidings/client`, bundled. */
const browserFolder = new URL('../../../dist/browser/', import.meta.url)

/** All files that the hub serves, by path; `index.html` is `/`. Read once: the hub holds no file open. */
export async function loadAssets(): Promise<Assets> {
  return new Map([...(await loadFolder(consoleFolder, false)), ...(await loadFolder(browserFolder, true))])
}

async function loadFolder(folder: URL, isPublic: boolean): Promise<Assets> {
  const assets = new Map<string, Asset>()
  const names = await readdir(folder).catch(cause => {
    throw new Error(`${fileURLToPath(folder)} cannot be read: \`npm run build\` makes what is served from there.`, {
      cause,
    })
  })
  for (const name of names) {
    const type = types[extname(name)]
    if (type === undefined) continue
    const body = await readFile(new URL(name, folder))
    assets.set(name === 'index.html' ? '/' : `/${name}`, { type, body, isPublic })
  }
  return assets
}
