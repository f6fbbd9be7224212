// The load generator for machines without a C compiler: the commands, checks and reports of generator.c, in Node.js.
// With a third argument, `tls`, it speaks that, which the other does not.
// It takes several times the CPU time for each event, so that it is soon the bottleneck; its reports show that, as the other's do.
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { connect as connectTls } from 'node:tls'
import { Histogram, now, Topic } from './hearing-node.mjs'
import { ResponseReader } from './response-node.mjs'

const [, , address = '127.0.0.1', port = '', transport = ''] = process.argv
const host = `${address}:${port}`
const maxOpening = 256
const stampBytes = 31
/** One address has 28,000 ports. */
const sources = 8
let source = 0
let opening = 0
/** @type {Map<number, Topic>} */
const topics = new Map()
/** @type {Map<number, Group>} */
const groups = new Map()

/**
 * @typedef {object} Group
 * @property {string} id
 * @property {Topic} topic
 * @property {string} path
 * @property {number} count
 * @property {number} rate
 * @property {number} behind
 * @property {number} spread
 * @property {number} begun
 * @property {number} lastReady
 * @property {number} ready
 * @property {number} failed
 * @property {number} caughtUp
 * @property {boolean} opens
 * @property {Histogram} catchingUp
 * @property {(import('./hearing-node.mjs').Listener & { socket: import('node:net').Socket })[]} members
 */

function openSocket() {
  const socket = connect({
    port: Number(port),
    host: address,
    localAddress: `127.0.0.${2 + (source++ % sources)}`,
    noDelay: true,
  })
  socket.on('error', () => undefined)
  if (transport !== 'tls') return socket
  // Nobody vouches for the certificate of a bench.
  const encrypted = connectTls({ socket, rejectUnauthorized: false })
  encrypted.on('error', () => undefined)
  return encrypted
}

// ---- subscribers

/** @param {Group} group */
function subscribe(group) {
  const { topic, members } = group
  const index = members.length
  const socket = openSocket()
  const owed = group.behind === 0 ? 0 : Math.min(group.behind + (index % group.spread), topic.published - 1)
  const member = {
    socket,
    index,
    topic,
    next: topic.published - owed,
    sent: 0,
    isRecorder: topic.records && index === 0,
    isReady: false,
    isGone: false,
    resumes: group.behind > 0,
    advanced() {
      if (group.behind === 0 || member.isCaughtUp || member.next < topic.published) return
      member.isCaughtUp = true
      group.caughtUp++
      group.catchingUp.add(now() - begun)
    },
    isCaughtUp: false,
  }
  const begun = now()
  members.push(member)
  opening++
  const cursor = owed > 0 ? `Last-Event-ID: ${topic.ids[member.next - 1]}\r\n` : ''
  const path = group.path.replaceAll('#', String(index))
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: text/event-stream\r\n${cursor}\r\n`)
  const reader = new ResponseReader(topic.listen(member))
  const leave = () => {
    if (member.isGone) return
    member.isGone = true
    socket.destroy()
    if (!member.isReady) {
      opening--
      group.failed++
      return
    }
    topic.leave(member)
    topic.cut++
  }
  socket.on('data', piece => {
    if (member.isGone) return
    reader.feed(piece)
    if (member.isReady) topic.reads++
    else if (reader.hasHead && reader.status === 200) {
      member.isReady = true
      opening--
      group.ready++
      group.lastReady = now()
      topic.subscribers++
      topic.due += owed
    }
    if (reader.isComplete || (reader.hasHead && reader.status !== 200)) leave()
  })
  socket.on('close', leave)
}

/** Opens what is due, and says when all are open and have caught up. @param {Group} group */
function tend(group) {
  const allowed = group.rate > 0 ? Math.floor(((now() - group.begun) / 1e9) * group.rate) + 1 : group.count
  while (group.members.length < Math.min(group.count, allowed) && opening < maxOpening) subscribe(group)
  const isDone =
    group.ready + group.failed === group.count && (group.behind === 0 || group.caughtUp + group.failed === group.count)
  const isStalled = now() - Math.max(group.lastReady, group.topic.lastProgress) > 20e9
  if (!isDone && !isStalled) return
  group.opens = false
  const { topic } = group
  answer(group.id, {
    subscribed: group.ready,
    failed: group.count - group.ready,
    caughtUp: group.caughtUp,
    ms: (now() - group.begun) / 1e6,
    catchingUp: group.catchingUp,
    missing: group.behind > 0 ? topic.due - topic.progress : 0,
    skipped: topic.skipped,
    late: topic.late,
    gaps: topic.gaps,
  })
}

// ---- flows

/**
 * @typedef {object} Flow
 * @property {string} id
 * @property {Topic} topic
 * @property {boolean} onlyExpects
 * @property {number} wanted
 * @property {number} until
 * @property {number} rate
 * @property {number} stall
 * @property {number} begun
 * @property {number} nextDue
 * @property {number} lastPublish
 * @property {number} requests
 * @property {number} answered
 * @property {number} refused
 * @property {number} refusal
 * @property {NodeJS.CpuUsage} cpu
 * @property {Histogram} answer
 * @property {Lane[]} lanes
 */
/** @typedef {{ socket: import('node:net').Socket, stamp: number, isBusy: boolean, isOpen: boolean }} Lane */

/** @type {Set<Flow>} */
const flows = new Set()
const types = { raw: 'text/plain', array: 'application/json', lines: 'application/x-ndjson' }

/** @param {Flow} flow */
function mayPublish({ onlyExpects, wanted, requests, until }) {
  return !onlyExpects && (wanted === 0 || requests < wanted) && (until === 0 || now() < until)
}

/** @param {Flow} flow @param {Lane} lane */
function next(flow, lane) {
  if (!mayPublish(flow) || lane.isBusy || !lane.isOpen) return
  if (flow.rate === 0) publish(flow, lane, now())
  else if (now() >= flow.nextDue) {
    publish(flow, lane, flow.nextDue)
    flow.nextDue += 1e9 / flow.rate
  }
}

/** @param {Flow} flow @param {Lane} lane @param {number} stamp */
function publish(flow, lane, stamp) {
  const { topic } = flow
  const members = topic.isEach ? (firstGroup(topic)?.members ?? []) : []
  const to = members[(flow.requests * 7919) % members.length]
  const number = to ? to.sent : topic.published
  const events = Array.from({ length: topic.batch }, (_, at) => {
    const head = `${String(number + at).padStart(10, '0')} ${String(Math.round(stamp)).padStart(19, '0')} `
    const data = head + 'x'.repeat(topic.bytes - stampBytes)
    return topic.form === 'raw' ? data : `{"topic":"${topic.name}","data":"${data}"}`
  })
  const body =
    topic.form === 'raw'
      ? (events[0] ?? '')
      : topic.form === 'array'
        ? `[${events.join(',')}]`
        : `${events.join('\n')}\n`
  const path = topic.path.replaceAll('#', String(to?.index ?? 0))
  lane.stamp = stamp
  lane.isBusy = true
  flow.requests++
  flow.lastPublish = now()
  topic.publish(to, topic.batch)
  lane.socket.write(
    `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${types[topic.form]}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
}

/** @param {Topic} topic */
function firstGroup(topic) {
  return [...groups.values()].find(group => group.topic === topic && group.members.length > 0)
}

/** @param {Flow} flow @returns {Lane} */
function openLane(flow) {
  /** @type {Lane} */
  const lane = { socket: openSocket(), stamp: 0, isBusy: false, isOpen: false }
  const reader = new ResponseReader(() => undefined)
  /** @param {number} status */
  const answered = status => {
    lane.isBusy = false
    flow.answered++
    flow.topic.lastProgress = now()
    flow.answer.add(now() - lane.stamp)
    if (status < 200 || status > 299) {
      flow.refused++
      flow.refusal = status
    }
  }
  lane.socket.once(transport === 'tls' ? 'secureConnect' : 'connect', () => {
    lane.isOpen = true
    next(flow, lane)
  })
  lane.socket.on('data', piece => {
    reader.feed(piece)
    if (!reader.isComplete) return
    answered(reader.status)
    reader.reset()
    next(flow, lane)
  })
  lane.socket.once('close', () => {
    lane.isOpen = false
    if (lane.isBusy) answered(0)
  })
  return lane
}

/** Publishes what is due, and says when all has been answered and heard. @param {Flow} flow */
function carryOn(flow) {
  const { topic } = flow
  if (flow.rate > 0) for (const lane of flow.lanes) next(flow, lane)
  const isSent = !mayPublish(flow) && flow.answered === flow.requests && (!flow.onlyExpects || now() >= flow.until)
  const quiet = now() - topic.lastProgress
  const isStalled = quiet > flow.stall && (flow.rate === 0 || now() - flow.lastPublish > flow.stall)
  if (!(isSent && topic.progress >= topic.due) && !isStalled) return
  flows.delete(flow)
  for (const { socket } of flow.lanes) socket.destroy()
  const cpu = process.cpuUsage(flow.cpu)
  answer(flow.id, {
    published: flow.requests * topic.batch,
    requests: flow.requests,
    answered: flow.answered,
    refused: flow.refused,
    refusal: flow.refusal,
    ...topic.report(),
    wallMs: (topic.lastProgress - flow.begun) / 1e6,
    publishMs: (flow.lastPublish - flow.begun) / 1e6,
    cpuMs: (cpu.user + cpu.system) / 1e3,
    answer: flow.answer,
  })
}

// ---- commands

/** @param {string} line */
function command(line) {
  const [verb, id = '', ...words] = line.split(' ')
  const settings = new Map(
    words.map(
      word => /** @type {[string, string]} */ ([word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
    ),
  )
  /** @param {string} name @param {number} otherwise */
  const number = (name, otherwise) => Number(settings.get(name) ?? otherwise)
  if (verb === 'topic') {
    topics.set(number('topic', 0), new Topic(settings))
    answer(id, {})
    return
  }
  if (verb === 'close') {
    const group = groups.get(number('group', 0))
    for (const member of group?.members ?? []) {
      if (member.isReady && !member.isGone) member.topic.leave(member)
      member.isGone = true
      member.socket.destroy()
    }
    groups.delete(number('group', 0))
    answer(id, {})
    return
  }
  const topic = topics.get(number('topic', 0))
  if (topic === undefined) process.exit(2)
  if (verb === 'subscribe') {
    groups.set(number('group', 0), {
      id,
      topic,
      path: settings.get('path') ?? topic.path,
      count: number('count', 1),
      rate: number('rate', 0),
      behind: number('behind', 0),
      spread: number('spread', 1),
      begun: now(),
      lastReady: now(),
      ready: 0,
      failed: 0,
      caughtUp: 0,
      opens: true,
      catchingUp: new Histogram(),
      members: [],
    })
    return
  }
  const rate = number('rate', 0)
  const seconds = number('seconds', 0)
  const count = number('count', 0)
  const begun = now()
  const onlyExpects = verb === 'expect'
  /** @type {Flow} */
  const flow = {
    id,
    topic,
    onlyExpects,
    wanted: count,
    until: seconds > 0 ? begun + seconds * 1e9 : 0,
    rate,
    stall: (number('stall', 10) + (onlyExpects ? seconds : 0)) * 1e9,
    begun,
    nextDue: begun,
    lastPublish: begun,
    requests: 0,
    answered: 0,
    refused: 0,
    refusal: 0,
    cpu: process.cpuUsage(),
    answer: new Histogram(),
    lanes: [],
  }
  const lanes = onlyExpects ? 0 : number('lanes', rate > 0 ? 4 : 1)
  topic.begin(lanes > 1)
  if (onlyExpects) topic.publish(undefined, count)
  flows.add(flow)
  flow.lanes = Array.from({ length: lanes }, () => openLane(flow))
}

/** @param {string} id @param {object} report */
function answer(id, report) {
  process.stdout.write(`${JSON.stringify({ id, ...report })}\n`)
}

createInterface({ input: process.stdin })
  .on('line', command)
  .on('close', () => process.exit(0))
setInterval(() => {
  for (const topic of topics.values()) topic.tick()
  for (const group of groups.values()) if (group.opens) tend(group)
  for (const flow of flows) carryOn(flow)
}, 1)
