import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import type { Certificate } from '../../src/http/certificate.js'
import type { PartialHttpSettings } from '../../src/http/settings.js'
import type { HubStatus } from '../../src/hub/hub.js'
import type { HubOptions } from '../../src/hub/options.js'
import type { RetentionRule } from '../../src/log/log.js'
import { type HubProcess, type HubProcessOptions, startHubProcess } from './hub-process.js'

const program = fileURLToPath(new URL('./tuned-hub.mjs', import.meta.url))

/** Settings of the parts of a hub; what is left out has its default. Only what JSON can say. */
export interface Tuning {
  readonly hub?: Pick<
    HubOptions,
    'heartbeatMs' | 'stallMs' | 'retryMs' | 'maxRecentEvents' | 'maxRecentBytes' | 'maxHeldBytes'
  >
  readonly settings?: PartialHttpSettings
  readonly certificate?: Certificate | undefined
  readonly log?: { readonly retention?: readonly RetentionRule[]; readonly trimIntervalMs?: number }
}

export interface TunedStatus extends HubStatus {
  /** After a collection of garbage, if the process has `--expose-gc`. */
  readonly heapBytes: number
  readonly externalBytes: number
}

/** A hub whose parts are given their settings one by one, in a process of its own. */
export interface TunedHub extends HubProcess {
  /** How it stands now, as it says itself. */
  status(): Promise<TunedStatus>
}

/** Starts a hub, and resolves when it answers. As with `startHubProcess`, it is killed at the latest when the file's tests are done. */
export async function startTunedHub(tuning: Tuning, options: HubProcessOptions = {}): Promise<TunedHub> {
  const env = { ...options.env, TIDINGS_TUNING: JSON.stringify(tuning) }
  const hub = await startHubProcess({ ...options, program, env })
  const told = () => [...hub.output().matchAll(/^Status: (.+)$/gm)].map(([, text]) => text ?? '')
  return {
    ...hub,
    async status() {
      const before = told().length
      process.kill(hub.pid, 'SIGUSR2')
      return vi.waitFor(
        () => {
          const text = told()[before]
          if (text === undefined) throw new Error(`The hub does not say how it stands.\n${hub.output()}`)
          const status: TunedStatus = JSON.parse(text)
          return status
        },
        { timeout: 10_000, interval: 10 },
      )
    },
  }
}
