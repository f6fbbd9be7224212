import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release } from 'node:os'
import { compiler } from './generator.mjs'
import { isPinned } from './processes.mjs'
import { maxDescriptors } from './servers.mjs'

/** What the figures were measured on, and what makes them worth less. @param {'c' | 'node' | undefined} generator */
export function describeMachine(generator) {
  const cores = availableParallelism()
  const load = readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ')
  const isSlow = generator === 'node' || compiler === undefined
  const notes = [
    ...(isPinned() ? [] : ['no taskset here, so nothing is pinned to a core']),
    ...(cores < 2 ? ['one core only: server and generator share it'] : []),
    ...(isSlow ? ['the generator is the one for Node.js, which is slower than some of the servers'] : []),
    ...(Number(load.split(' ')[0]) > 0.7 ? [`the machine was not idle at the start (load ${load})`] : []),
  ]
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores,
    kernel: release(),
    node: process.version,
    nginx: /nginx\/(\S+)/.exec(spawnSync('nginx', ['-v'], { encoding: 'utf8' }).stderr ?? '')?.[1] ?? null,
    generator: isSlow ? 'Node.js' : 'C',
    descriptors: maxDescriptors(),
    load,
    notes,
  }
}
