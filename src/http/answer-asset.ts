import type { Answer } from './answer.js'
import type { Asset } from './assets.js'
import { matchesTag, toEntityTag } from './etag.js'

/** Nothing from elsewhere, nothing inline, in nobody's frame. */
const policy =
  "default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

const tags = new WeakMap<Asset, string>()

export function answerAsset(asset: Asset, ifNoneMatch: string | undefined): Answer {
  const tag = tags.get(asset) ?? toEntityTag(asset.body)
  tags.set(asset, tag)
  const headers = {
    'Content-Type': asset.type,
    // Kept, and asked for again each time: a hub of a newer version has newer pages.
    'Cache-Control': 'no-cache',
    ETag: tag,
    'Content-Security-Policy': policy,
    'Cross-Origin-Resource-Policy': asset.isPublic ? 'cross-origin' : 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    ...asset.headers,
  }
  if (matchesTag(ifNoneMatch, tag)) return { status: 304, headers, body: '' }
  return { status: 200, headers, body: asset.body }
}
