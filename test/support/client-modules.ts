import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Asset, Assets } from '../../src/http/assets.js'

const dist = fileURLToPath(new URL('../../dist/', import.meta.url))

/**
 * The built client, module by module as a page without a bundler loads it: it begins with `/dist/entry/client.js`. What an import map would
 * say of `#decode` is said in the modules, since workers have none.
 */
export async function clientModules(): Promise<Assets> {
  const assets = new Map<string, Asset>()
  for (const part of ['client', 'wire', 'entry']) {
    for (const name of await readdir(join(dist, part), { recursive: true })) {
      if (!name.endsWith('.js')) continue
      const code = await readFile(join(dist, part, name), 'utf8')
      assets.set(`/dist/${part}/${name}`, javaScript(code.replace("'#decode'", "'/dist/wire/decode.js'")))
    }
  }
  return assets
}

export function javaScript(body: string | Uint8Array): Asset {
  return { type: 'text/javascript; charset=utf-8', body }
}

/** A page with nothing but a script. */
export function scriptPage(script: string): Asset {
  const body = `<!doctype html><meta charset="utf-8"><title>Tab</title><link rel="icon" href="data:,"><script type="module" src="${script}"></script>`
  return {
    type: 'text/html; charset=utf-8',
    body,
    headers: { 'Content-Security-Policy': "default-src 'self'; img-src data:" },
  }
}
