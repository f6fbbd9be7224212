import type { CommandEntry } from './command.js'

/** All commands, in the order of the help. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  serve: {
    summary: 'run a hub',
    load: async () => (await import('./serve/command.js')).serveCommand,
  },
  check: {
    summary: 'check settings, examine a log, back it up, restore it',
    load: async () => (await import('./check/command.js')).checkCommand,
  },
}
