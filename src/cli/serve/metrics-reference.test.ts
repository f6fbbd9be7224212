import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { createHubMetrics } from './metrics.js'
import { describeMetrics, metricsReference } from './metrics-reference.js'

const read = () => createHubMetrics({ version: '0', log: 'memory' }).metrics.read()

it('docs/reference/metrics.md is what the program says (npm run reference)', async () => {
  const page = await readFile(new URL('../../../docs/reference/metrics.md', import.meta.url), 'utf8')
  expect(page).toBe(await metricsReference())
})

it('the page names no metric that there is not', async () => {
  const names = describeMetrics(await read()).map(({ name }) => name)
  const isLinux = process.platform === 'linux'
  for (const [, name = ''] of (await metricsReference()).matchAll(/`((?:process|nodejs)_[a-z0-9_]+)`/g)) {
    if (isLinux || !name.endsWith('_fds')) expect(names).toContain(name)
  }
})

it('names keep to the conventions of Prometheus', async () => {
  for (const { name, type, help } of describeMetrics(await read())) {
    if (!name.startsWith('tidings_')) continue
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/)
    expect(name.endsWith('_total'), name).toBe(type === 'counter')
    expect(name, 'base units').not.toMatch(/_(ms|milliseconds|kb|mb|kib|mib|percent)(_|$)/)
    expect(help, name).toMatch(/^[A-Z0-9].*\.$/)
  }
})
