// `npm pack` and `npm publish`: sets up what is missing, so that a fresh clone gives a whole package too, and takes out of
// `dist/` what no source of today compiles to, so that a file that was removed long ago is not published. What is bundled was made just now.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build, bundle, checkNode, install, root, SetUpError, say } from './set-up.mjs'

try {
  checkNode()
  install()
  build()
} catch (error) {
  if (!(error instanceof SetUpError)) throw error
  say(error.message)
  process.exit(1)
}
for (const entry of readdirSync(join(root, 'dist'), { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue
  const path = join(entry.parentPath, entry.name)
  if (path === bundle) continue
  const source = path.replace(join(root, 'dist'), join(root, 'src')).replace(/(\.d\.ts|\.js)$/, '.ts')
  if (!existsSync(source)) rmSync(path)
}
