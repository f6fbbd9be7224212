// `npm start`: sets up what is missing, then becomes the hub, in this process, so that Ctrl+C and SIGTERM reach it. npm hands
// signals to the shell that it runs scripts with, and some shells die of them and leave the program behind: hence `exec` there.
// What follows `npm start --` goes to `tidings serve`.
import { build, checkNode, install, SetUpError, say } from './set-up.mjs'

try {
  checkNode()
  install()
  build()
} catch (error) {
  if (!(error instanceof SetUpError)) throw error
  say(error.message)
  process.exit(1)
}
const { run } = await import('../dist/cli/run.js')
await run(['serve', '--demo', ...process.argv.slice(2)])
