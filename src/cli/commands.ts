import type { CommandEntry } from './command.js'

/** All commands, in the order of the help. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  serve: {
    summary: 'run a hub',
    load: async () => (await import('./serve/command.js')).serveCommand,
  },
  publish: {
    summary: 'publish an event, or each line of an input',
    load: async () => (await import('./publish/command.js')).publishCommand,
  },
  subscribe: {
    summary: 'print the events of topics as they come',
    load: async () => (await import('./subscribe/command.js')).subscribeCommand,
  },
  check: {
    summary: 'check settings, examine a log, back it up, restore it',
    load: async () => (await import('./check/command.js')).checkCommand,
  },
  bench: {
    summary: 'measure a running hub from outside',
    load: async () => (await import('./bench/command.js')).benchCommand,
  },
}
