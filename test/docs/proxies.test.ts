import { expect, it } from 'vitest'
import { blocksOf, readDocument } from '../support/document.js'

const files = {
  nginx: 'nginx/tidings.conf',
  caddy: 'caddy/Caddyfile',
  haproxy: 'haproxy/haproxy.cfg',
  apache: 'apache/tidings.conf',
}

const shown = new Map(
  blocksOf(await readDocument('docs/guide/proxies.md')).flatMap(({ says, code }) => {
    const name = /^config (\S+)$/.exec(says)?.[1]
    return name === undefined ? [] : [[name, code]]
  }),
)

// `test/proxies` tries the files with the real programs.
it.each(Object.entries(files))(
  'docs/guide/proxies.md shows the configuration of %s that is tried',
  async (name, file) => {
    expect(shown.get(name)).toBe(await readDocument(`examples/proxies/${file}`))
  },
)

it('docs/guide/proxies.md shows no other', () => {
  expect([...shown.keys()].sort()).toEqual(Object.keys(files).sort())
})
