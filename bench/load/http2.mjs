// What an event stream costs over HTTP/2, beside one over HTTP/1.1: node bench/load/http2.mjs [streams]
// The built hub: `npm run build` first. Each form has a hub of its own on core 0 and one client on core 1, by turns, three rounds; medians.
// Memory is the hub's PSS, above what it was before the streams were opened. CPU time is the hub's, for events of 100 bytes, 20 a second, each
// to every stream. What the client has heard is counted: a round in which anything is missing ends the bench.
import { fork, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { cpuMs, freePort, listens, memory, start } from './processes.mjs'

const self = fileURLToPath(import.meta.url)
const hub = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const streamsOf2 = 150
const events = 100
const rounds = 3
/** @type {Readonly<Record<string, { readonly isTls: boolean, readonly isHttp2: boolean }>>} */
const forms = {
  'HTTP/1.1': { isTls: false, isHttp2: false },
  'HTTP/1.1, TLS': { isTls: true, isHttp2: false },
  'HTTP/2, TLS': { isTls: true, isHttp2: true },
  'HTTP/2, plain': { isTls: false, isHttp2: true },
}

if (process.argv[2] === 'client')
  process.once('message', () => hear(process.argv[3] ?? '', Number(process.argv[4]), Number(process.argv[5])))
else await measureAll(Number(process.argv[2] ?? 3000))

/** Opens streams, and tells how many events all of them have heard. @param {string} form @param {number} port @param {number} count */
function hear(form, port, count) {
  const { isTls, isHttp2 } = forms[form] ?? { isTls: false, isHttp2: false }
  let open = 0
  let heard = 0
  /** @param {import('node:stream').Duplex} stream */
  const listen = stream => {
    let isOpen = false
    stream.on('error', () => process.exit(1))
    stream.on('data', bytes => {
      const text = String(bytes)
      if (!isOpen && text.includes('$cursor')) {
        isOpen = true
        if (++open === count) process.send?.({ open })
      }
      for (let at = text.indexOf('data: x'); at >= 0; at = text.indexOf('data: x', at + 1)) heard++
    })
  }
  const where = { port, host: '127.0.0.1', rejectUnauthorized: false }
  if (isHttp2) {
    for (let left = count; left > 0; left -= streamsOf2) {
      const session = connectHttp2(`${isTls ? 'https' : 'http'}://127.0.0.1:${port}`, where)
      session.once('connect', () => {
        session.setLocalWindowSize(2 ** 24)
        for (let i = 0; i < Math.min(left, streamsOf2); i++) {
          listen(session.request({ ':path': '/events/a', accept: 'text/event-stream' }))
        }
      })
    }
  } else {
    let next = 0
    const more = () => {
      if (next++ >= count) return
      const socket = isTls ? connectTls(where) : connect(where)
      socket.write('GET /events/a HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n')
      socket.once('data', more)
      listen(socket)
    }
    for (let i = 0; i < 50; i++) more()
  }
  process.on('message', () => process.send?.({ heard }))
  process.on('disconnect', () => process.exit())
}

/** @param {number} count */
async function measureAll(count) {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-bench-http2-'))
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const curve = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
  ]
  const made = spawnSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert], { encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`openssl makes no certificate. ${made.stderr}`)
  /** @type {Map<string, { memory: number, cpu: number }[]>} */
  const results = new Map(Object.keys(forms).map(form => [form, []]))
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [form, records] of results) records.push(await measure(form, count, [cert, key]))
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  process.stdout.write(`${count} streams, those of HTTP/2 ${streamsOf2} to a connection\n`)
  for (const [form, records] of results) {
    const kb = median(records.map(record => record.memory)) / 1000
    const us = median(records.map(record => record.cpu)) * 1000
    process.stdout.write(`${form.padEnd(14)} ${kb.toFixed(1)} kB a stream, ${us.toFixed(1)} us a delivery\n`)
  }
}

/** @param {string} form @param {number} count @param {readonly [string, string]} files */
async function measure(form, count, [cert, key]) {
  const { isTls } = forms[form] ?? { isTls: false }
  const port = await freePort()
  const tls = isTls ? ['--tls-cert', cert, '--tls-key', key] : []
  const command = [process.execPath, hub, 'serve', '--port', String(port), '--log', 'memory:', ...tls]
  const server = start(command, { core: 0 })
  await listens(server, port)
  const client = fork(self, ['client', form, String(port), String(count)])
  spawnSync('taskset', ['-pc', '1', String(client.pid)])
  try {
    const publish = await publisher(port, isTls)
    await publish('warm-up')
    await delay(1000)
    const before = memory(server.pid).pss
    client.send('open')
    await answer(client)
    await delay(3000)
    const after = memory(server.pid).pss
    const began = cpuMs(server.pid)
    for (let i = 0; i < events; i++) {
      await publish(`x${String(i).padEnd(99, '.')}`)
      await delay(50)
    }
    await delay(1000)
    const spent = cpuMs(server.pid) - began
    client.send('how many')
    const { heard } = await answer(client)
    if (heard !== events * count) throw new Error(`${form}: ${heard} heard of ${events * count}`)
    return { memory: (after - before) / count, cpu: spent / (events * count) }
  } finally {
    client.disconnect()
    await server.end()
  }
}

/** Publishes on one connection of HTTP/1.1. @param {number} port @param {boolean} isTls @returns {Promise<(data: string) => Promise<unknown>>} */
async function publisher(port, isTls) {
  const { Agent, request } = await import(isTls ? 'node:https' : 'node:http')
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false })
  return data =>
    new Promise((resolve, reject) => {
      const asked = request({ agent, port, host: '127.0.0.1', method: 'POST', path: '/events/a' })
      asked.on('response', (/** @type {import('node:http').IncomingMessage} */ response) =>
        response.resume().on('end', resolve),
      )
      asked.on('error', reject)
      asked.end(data)
    })
}

/** @param {import('node:child_process').ChildProcess} client @returns {Promise<{ heard: number }>} */
function answer(client) {
  return new Promise((resolve, reject) => {
    client.once('message', message => resolve(/** @type {{ heard: number }} */ (message)))
    client.once('exit', () => reject(new Error('the client ended')))
  })
}

/** @param {readonly number[]} values */
function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
