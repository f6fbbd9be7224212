import { describe, expect, it } from 'vitest'
import { openFigures, sumNetwork } from './figures.js'

describe('the figures of this machine', () => {
  it('are read from the operating system, and are what they say', () => {
    const { figures, missing } = openFigures(Date.now)
    const topics = [...figures, ...missing].map(({ topic }) => topic).sort()
    expect(topics).toEqual(['host/cpu', 'host/load', 'host/memory', 'host/network'])
    const read = Object.fromEntries(figures.map(figure => [figure.topic, figure.read()]))
    expect(read['host/memory']).toEqual({
      totalBytes: expect.any(Number),
      availableBytes: expect.any(Number),
      percent: expect.any(Number),
    })
    expect(read['host/cpu']).toMatchObject({ percent: expect.any(Number), cores: expect.any(Array) })
    for (const figure of Object.values(read)) {
      for (const value of Object.values(figure).flat()) expect(value).toBeGreaterThanOrEqual(0)
    }
  })

  it('sum the interfaces of /proc/net/dev but for the loopback', () => {
    const table = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 9999999     100    0    0    0     0          0         0  9999999     100    0    0    0     0       0          0
  eth0: 1000          7    0    0    0     0          0         0     200       5    0    0    0     0       0          0
wlan0:12345678        7    0    0    0     0          0         0      50       5    0    0    0     0       0          0
`
    expect(sumNetwork(table)).toEqual({ received: 12_346_678, sent: 250 })
    expect(sumNetwork('')).toEqual({ received: 0, sent: 0 })
  })
})
