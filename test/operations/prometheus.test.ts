import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePort, type HubProcess, startHubProcess } from '../support/hub-process.js'
import { requireProgram } from '../support/programs.js'

const operations = fileURLToPath(new URL('../../operations/', import.meta.url))
const howToGet = 'apt-get install prometheus'
const prometheus = requireProgram('prometheus', howToGet)
const promtool = requireProgram('promtool', howToGet)
const rulesFile = join(operations, 'prometheus', 'alerts.yml')

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}

const dashboard: { readonly panels: readonly Panel[] } = JSON.parse(
  readFileSync(join(operations, 'grafana', 'tidings.json'), 'utf8'),
)
const panels = dashboard.panels.filter(({ targets }) => targets)

/** Every expression of the dashboard, as Grafana would ask for it. */
const queries = panels.flatMap(({ title, targets }) =>
  (targets ?? []).map(({ expr }) => ({
    title,
    expr: expr.replaceAll('$__rate_interval', '3s').replaceAll('$job', 'tidings').replaceAll('$instance', '.+'),
  })),
)

describe.skipIf(!prometheus)('Prometheus, asking a hub that has traffic', () => {
  let directory = ''
  let url = ''
  let hub: HubProcess
  let child: ChildProcess
  let said = ''
  const abort = new AbortController()
  let publishing: NodeJS.Timeout

  async function ask(path: string, parameters: Record<string, string> = {}): Promise<unknown> {
    const answer = await fetch(`${url}${path}?${new URLSearchParams(parameters)}`)
    const body = (await answer.json()) as { status: string; data: unknown; error?: string }
    if (body.status !== 'success') throw new Error(`${JSON.stringify(parameters)}: ${body.error}`)
    return body.data
  }

  /** The values that an expression has now; those that are no number are left out. */
  async function valuesOf(query: string): Promise<readonly number[]> {
    const { result } = (await ask('/api/v1/query', { query })) as { result: { value: [number, string] }[] }
    return result.map(({ value }) => Number(value[1])).filter(value => !Number.isNaN(value))
  }

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidings-prometheus-'))
    hub = await startHubProcess({
      log: `lmdb:${join(directory, 'log')}`,
      env: { TIDINGS_METRICS_TOKEN: 'scrape-token' },
    })
    const { signal } = abort
    for (const [path, accept] of [
      ['/events/a', 'text/event-stream'],
      ['/events?topic=**', 'application/x-ndjson'],
      ['/events/quiet?wait=60', 'application/json'],
    ]) {
      fetch(`${hub.url}${path}`, { headers: { accept: accept ?? '' }, signal })
        .then(answer => answer.arrayBuffer())
        .catch(() => undefined)
    }
    // Reads nothing, and falls behind.
    const slow = connect(hub.port, '127.0.0.1').pause()
    slow.on('error', () => undefined)
    slow.write('GET /events/a HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n')
    signal.addEventListener('abort', () => slow.destroy())
    const data = 'x'.repeat(100_000)
    publishing = setInterval(() => {
      for (const topic of ['a', 'b', '$no']) {
        fetch(`${hub.url}/events/${topic}`, { method: 'POST', body: data, signal }).catch(() => undefined)
      }
    }, 50)

    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    const config = readFileSync(join(operations, 'prometheus', 'prometheus.yml'), 'utf8')
      .replace('scrape_interval: 15s', 'scrape_interval: 250ms\n  evaluation_interval: 250ms')
      .replace('- alerts.yml', `- ${rulesFile}`)
      .replace(/# (authorization:)\n( +)# {3}credentials_file: .*/, '$1\n$2  credentials: scrape-token')
      .replace('127.0.0.1:8080', `127.0.0.1:${hub.port}`)
    await writeFile(join(directory, 'prometheus.yml'), config)
    child = spawn(
      prometheus ?? '',
      [
        `--config.file=${join(directory, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    child.stderr?.on('data', (text: Buffer) => {
      said += text.toString()
    })
    await vi.waitFor(
      async () => {
        const values = await valuesOf('up{job="tidings"} == 1').catch(() => [])
        if (values.length === 0) throw new Error(`Prometheus does not hear the hub.\n${said}`)
      },
      { timeout: 30_000, interval: 100 },
    )
  }, 60_000)

  afterAll(async () => {
    clearInterval(publishing)
    abort.abort()
    child.kill('SIGKILL')
    await rm(directory, { recursive: true, force: true, maxRetries: 10 })
  })

  it('has data for each expression of each panel of the dashboard', async () => {
    expect(panels.length).toBeGreaterThan(20)
    await vi.waitFor(
      async () => {
        const empty: string[] = []
        for (const { title, expr } of queries) if ((await valuesOf(expr)).length === 0) empty.push(`${title}: ${expr}`)
        expect(empty).toEqual([])
      },
      { timeout: 30_000, interval: 250 },
    )
  }, 40_000)

  it('sees what the traffic is', async () => {
    const sees = async (query: string): Promise<number> => (await valuesOf(query))[0] ?? Number.NaN
    await vi.waitFor(
      async () => {
        expect(await sees('sum(rate(tidings_published_events_total[3s]))')).toBeGreaterThan(1)
        expect(await sees('sum(rate(tidings_refused_total{code="reserved-topic"}[3s]))')).toBeGreaterThan(1)
        expect(await sees('sum(tidings_subscriptions{state="catching_up"})')).toBeGreaterThanOrEqual(1)
        expect(await sees('max(tidings_catch_up_behind_seconds)')).toBeGreaterThan(0)
        expect(
          await sees('histogram_quantile(0.99, sum by (le) (rate(tidings_live_lag_seconds_bucket[3s])))'),
        ).toBeLessThan(30)
      },
      { timeout: 20_000, interval: 250 },
    )
  }, 30_000)

  it('can evaluate each alert, and raises none over a hub that is well', async () => {
    interface Rule {
      readonly name: string
      readonly health: string
      readonly state: string
      readonly lastError?: string
    }
    await vi.waitFor(
      async () => {
        const { groups } = (await ask('/api/v1/rules')) as { groups: { rules: Rule[] }[] }
        const rules = groups.flatMap(group => group.rules)
        expect(rules.length).toBeGreaterThan(10)
        expect(rules.filter(({ health }) => health !== 'ok')).toEqual([])
        // Of a reader that does not read, a busy machine and the like nobody is told at once.
        expect(rules.filter(({ state }) => state === 'firing')).toEqual([])
      },
      { timeout: 20_000, interval: 250 },
    )
  }, 30_000)
})

describe.skipIf(!promtool)('the alerts', () => {
  it('are rules that Prometheus takes', () => {
    const { status, stdout, stderr } = spawnSync(promtool ?? '', ['check', 'rules', rulesFile], { encoding: 'utf8' })
    expect(status, stdout + stderr).toBe(0)
  })

  it('come when something is wrong, and not before', () => {
    const file = fileURLToPath(new URL('./alerts.yml', import.meta.url))
    const { status, stdout, stderr } = spawnSync(promtool ?? '', ['test', 'rules', file], { encoding: 'utf8' })
    expect(status, stdout + stderr).toBe(0)
  })
})

describe('the alerts and the dashboard', () => {
  it('name only metrics that the reference has', () => {
    const reference = readFileSync(new URL('../../docs/reference/metrics.md', import.meta.url), 'utf8')
    const text = queries.map(({ expr }) => expr).join('\n') + readFileSync(rulesFile, 'utf8')
    for (const [name] of text.matchAll(/tidings_[a-z_]+/g)) {
      expect(reference).toContain(`\`${name.replace(/_(bucket|sum|count)$/, '')}`)
    }
  })

  it('leave no metric of the hub unseen but the limits', () => {
    const reference = readFileSync(new URL('../../docs/reference/metrics.md', import.meta.url), 'utf8')
    const text = JSON.stringify(dashboard) + readFileSync(rulesFile, 'utf8')
    const names = [...reference.matchAll(/^\| `(tidings_[a-z_]+)/gm)].map(([, name = '']) => name)
    expect(names.length).toBeGreaterThan(30)
    const unseen = names.filter(name => !text.includes(name))
    expect(unseen).toEqual(['tidings_draining', 'tidings_held_limit_bytes', 'tidings_recent_events'])
  })
})
