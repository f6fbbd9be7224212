import { TidingsError } from '../../wire/errors.js'
import type { LogEvent, NewEvent } from '../log.js'

/*
 * An event as a value of the `events` table. Offset and topic are its key.
 *
 *   0      flags (1: end of the topic)
 *   1-6    time, big-endian
 *   7      bytes of type
 *   8-9    bytes of key
 *   10-11  bytes of event id
 *   12-15  bytes of data
 *   16-    type, key, event id, data, as UTF-8
 */
const headerBytes = 16
const timeAt = 1
const timeLength = 6
const endFlag = 1

/** The event as a record without a time, which the log gives at the last moment: see `stampTime`. */
export function encodeRecord(event: NewEvent): Buffer {
  const type = event.type ?? ''
  const key = event.key ?? ''
  const eventId = event.eventId ?? ''
  const typeBytes = Buffer.byteLength(type)
  const keyBytes = Buffer.byteLength(key)
  const eventIdBytes = Buffer.byteLength(eventId)
  const dataBytes = Buffer.byteLength(event.data)
  const record = Buffer.allocUnsafe(headerBytes + typeBytes + keyBytes + eventIdBytes + dataBytes)
  record[0] = event.end ? endFlag : 0
  record.fill(0, timeAt, timeAt + timeLength)
  record.writeUInt8(typeBytes, 7)
  record.writeUInt16BE(keyBytes, 8)
  record.writeUInt16BE(eventIdBytes, 10)
  record.writeUInt32BE(dataBytes, 12)
  let at = headerBytes
  if (typeBytes > 0) at += record.write(type, at)
  if (keyBytes > 0) at += record.write(key, at)
  if (eventIdBytes > 0) at += record.write(eventId, at)
  record.write(event.data, at)
  return record
}

export function stampTime(record: Buffer, time: number): void {
  record.writeUIntBE(time, timeAt, timeLength)
}

/** Throws `log-corrupt` unless the record is as long as it says. */
export function decodeRecord(record: Buffer, offset: number, topic: string): LogEvent {
  checkRecord(record, offset)
  const keyAt = headerBytes + record.readUInt8(7)
  const eventIdAt = keyAt + record.readUInt16BE(8)
  const dataAt = eventIdAt + record.readUInt16BE(10)
  return {
    offset,
    time: recordTime(record),
    topic,
    data: record.toString('utf8', dataAt),
    type: record.toString('utf8', headerBytes, keyAt),
    key: record.toString('utf8', keyAt, eventIdAt),
    eventId: record.toString('utf8', eventIdAt, dataAt),
    end: record[0] === endFlag,
  }
}

/** What `decodeRecord` would give for a record that `encodeRecord` made of `event`. */
export function toLogEvent(event: NewEvent, offset: number, time: number): LogEvent {
  return {
    offset,
    time,
    topic: event.topic,
    data: event.data,
    type: event.type ?? '',
    key: event.key ?? '',
    eventId: event.eventId ?? '',
    end: event.end ?? false,
  }
}

export function recordTime(record: Buffer): number {
  return record.readUIntBE(timeAt, timeLength)
}

/** The key of the event, as the bytes that it has in the record. Throws `log-corrupt` as `decodeRecord`. */
export function recordKey(record: Buffer, offset: number): Buffer {
  checkRecord(record, offset)
  const keyAt = headerBytes + record.readUInt8(7)
  return record.subarray(keyAt, keyAt + record.readUInt16BE(8))
}

/** What the event counts against retention, without its topic. */
export function recordBytes(record: Buffer): number {
  return record.length - headerBytes
}

function checkRecord(record: Buffer, offset: number): void {
  const wanted =
    record.length < headerBytes
      ? headerBytes
      : headerBytes + record.readUInt8(7) + record.readUInt16BE(8) + record.readUInt16BE(10) + record.readUInt32BE(12)
  if (record.length === wanted && (record[0] === 0 || record[0] === endFlag)) return
  throw new TidingsError(
    'log-corrupt',
    `The event at offset ${offset} is damaged: its record has ${record.length} bytes where ${wanted} are due.`,
  )
}
