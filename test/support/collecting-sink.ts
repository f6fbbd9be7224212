import type { Encoding, Sink, SinkListener } from '../../src/hub/sink.js'

/** What a collecting sink was given: an event by its data, an event of the hub's own by its type. */
export interface Heard {
  readonly type: string
  readonly id: string | undefined
  readonly data: string
}

/** One line of JSON a frame. */
export const jsonLines: Encoding = {
  name: 'json-lines',
  event: ({ type, data }, id) => line({ type, id, data }),
  hubEvent: (type, id, data) => line({ type, id, data }),
  retry: ms => line({ type: 'retry', id: undefined, data: String(ms) }),
}

function line(heard: Heard): Uint8Array {
  return Buffer.from(`${JSON.stringify(heard)}\n`)
}

/** A sink that keeps what it is given, write by write, and holds bytes back when it is told to. */
export class CollectingSink implements Sink {
  readonly writes: Uint8Array[] = []
  isTaking = true
  isEnded = false
  isDestroyed = false
  stallMs: number | undefined
  listener: SinkListener | undefined

  listen(listener: SinkListener): void {
    this.listener = listener
  }

  write(bytes: Uint8Array): boolean {
    if (bytes.length > 0) this.writes.push(bytes)
    return this.isTaking
  }

  /** Takes all, and again. */
  drain(): void {
    this.isTaking = true
    this.listener?.drained()
  }

  end(): void {
    if (this.isEnded) return
    this.isEnded = true
    queueMicrotask(() => this.listener?.closed())
  }

  destroy(): void {
    this.isDestroyed = true
    this.end()
  }

  watchStall(ms: number): void {
    this.stallMs = ms
  }

  /** All that was heard, of the hub's own events too. */
  get all(): Heard[] {
    return Buffer.concat(this.writes)
      .toString()
      .split('\n')
      .filter(text => text !== '')
      .map(text => JSON.parse(text) as Heard)
  }

  /** The data of what publishers said. */
  get said(): string[] {
    return this.all.filter(({ type }) => !type.startsWith('$') && type !== 'retry').map(({ data }) => data)
  }

  /** The hub's own events, by type and cursor. */
  get hubs(): Heard[] {
    return this.all.filter(({ type }) => type.startsWith('$') || type === 'retry')
  }
}
