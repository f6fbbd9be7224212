import { describe, expect, it } from 'vitest'
import { createLateMetrics, metricsType } from './late-metrics.js'
import { createHubMetrics, type HubMetrics } from './metrics.js'

const about = { version: '0', log: 'memory' }

describe('figures that come late', () => {
  it('have what was told before and after they were there', async () => {
    const late = createLateMetrics(about)
    late.httpObserver.publishing()
    late.httpObserver.refused('read', 'overloaded')
    late.hubObserver.appended(3, 1)
    const first = await late.metrics.read()
    expect(first).toContain('tidings_publish_requests_total 1\n')
    expect(first).toContain('tidings_refused_total{operation="read",code="overloaded"} 1\n')
    expect(first).toContain('tidings_append_batch_events_sum 3\n')
    late.httpObserver.publishing()
    expect(await late.metrics.read()).toContain('tidings_publish_requests_total 2\n')
  })

  it('are loaded once, when much is told, and miss nothing meanwhile', async () => {
    let loads = 0
    let arrive = (): void => undefined
    const late = createLateMetrics(about, async options => {
      loads++
      await new Promise<void>(resolve => {
        arrive = resolve
      })
      return createHubMetrics(options)
    })
    for (let i = 0; i < 255; i++) late.httpObserver.publishing()
    expect(loads).toBe(0)
    for (let i = 0; i < 45; i++) late.httpObserver.publishing()
    expect(loads).toBe(1)
    const read = late.metrics.read()
    arrive()
    expect(await read).toContain('tidings_publish_requests_total 300\n')
    expect(loads).toBe(1)
  })

  it('are in the form that they say', () => {
    const made: HubMetrics = createHubMetrics(about)
    expect(made.metrics.type).toBe(metricsType)
  })
})
