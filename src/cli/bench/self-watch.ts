import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How hard this process worked: whether it could keep up with what it measures. */
export interface SelfReport {
  /** Processors that it took, on average. */
  readonly processors: number
  /** Share of the time in which its event loop was busy, 0 to 1. */
  readonly busy: number
  /** What all but one in a hundred of the times that its event loop was late by do not exceed. */
  readonly lateMs: number
}

const resolutionMs = 10

/** Watches from now on, until the function that it returns is called. */
export function watchSelf(): () => SelfReport {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  const startedAt = performance.now()
  const cpu = process.cpuUsage()
  const loop = performance.eventLoopUtilization()
  return () => {
    delay.disable()
    const used = process.cpuUsage(cpu)
    return {
      processors: toThousandths((used.user + used.system) / 1000 / (performance.now() - startedAt)),
      busy: toThousandths(performance.eventLoopUtilization(loop).utilization),
      // What is measured is the time between two looks, and they are meant to be this far apart.
      lateMs: toThousandths(Math.max(0, delay.percentile(99) / 1e6 - resolutionMs)),
    }
  }
}

function toThousandths(number: number): number {
  return Math.round(number * 1000) / 1000
}
