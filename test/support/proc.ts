import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** Whether this machine tells of processes as Linux does, in `/proc`. */
export const hasProc: boolean = process.platform === 'linux'

/** The most resident memory that a process has had, since the last `forgetPeak`. */
export function peakBytes(pid: number): number {
  const kib = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  if (kib === undefined) throw new Error(`/proc/${pid}/status does not tell the peak of its memory`)
  return Number(kib) * 1024
}

/** From here on `peakBytes` counts anew. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** How many descriptors a process has open. */
export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}
