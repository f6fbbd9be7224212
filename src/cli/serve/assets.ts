import { readdir, readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import type { Asset, Assets } from '../../http/assets.js'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

const folder = new URL('../../../console/', import.meta.url)

/** The page for people, by path; `index.html` is `/`. Read once: the hub holds no file open. */
export async function loadAssets(): Promise<Assets> {
  const assets = new Map<string, Asset>()
  for (const name of await readdir(folder)) {
    const type = types[extname(name)]
    if (type === undefined) continue
    assets.set(name === 'index.html' ? '/' : `/${name}`, { type, body: await readFile(new URL(name, folder)) })
  }
  return assets
}
