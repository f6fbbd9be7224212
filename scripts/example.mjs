// `npm run example NAME`: sets up what is missing, then becomes the server of `examples/NAME`, in this process. There the package is
// found under its own name, as it is by an application that has it installed.
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, checkNode, install, root, SetUpError, say } from './set-up.mjs'

const examples = join(root, 'examples')
const names = readdirSync(examples).filter(name => existsSync(join(examples, name, 'server.js')))
const name = process.argv[2] ?? ''

try {
  if (!names.includes(name)) throw new SetUpError(`Name an example: npm run example ${names.join(' | ')}`)
  checkNode()
  install()
  build()
  const link = join(examples, 'node_modules', 'tidings')
  mkdirSync(join(link, '..'), { recursive: true })
  if (!existsSync(link)) symlinkSync(root, link, 'junction')
} catch (error) {
  if (!(error instanceof SetUpError)) throw error
  say(error.message)
  process.exit(1)
}
process.chdir(join(examples, name))
await import(pathToFileURL(join(examples, name, 'server.js')).href)
