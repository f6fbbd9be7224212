import type { Sink, SinkListener } from '../../hub/sink.js'

/** What a subscription in process is ahead of who reads it, at most, and one write of the hub's. */
const maxWaitingBytes = 64 * 1024

/**
 * The bytes of a subscription, for somebody in this process who takes them when he is ready. More than a little is not kept: the
 * subscription reads on from the log when that was taken.
 */
export class HeldLines implements Sink {
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #isHolding = false
  #isOver = false
  #wake: (() => void) | undefined
  #listener: SinkListener | undefined
  #stall: NodeJS.Timeout | undefined
  /** It was cut off, not ended: what was not taken is lost here, and still in the log. */
  isCut = false

  listen(listener: SinkListener): void {
    this.#listener = listener
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isOver) return true
    if (bytes.length > 0) {
      this.#waiting.push(bytes)
      this.#waitingBytes += bytes.length
      this.#wake?.()
    }
    this.#isHolding ||= this.#waitingBytes > maxWaitingBytes
    return !this.#isHolding
  }

  /** The next bytes; nothing when there will be no more. One caller at a time. */
  async take(): Promise<Uint8Array | undefined> {
    while (this.#waiting.length === 0 && !this.#isOver) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
    const bytes = this.#waiting.shift()
    this.#waitingBytes -= bytes?.length ?? 0
    this.#stall?.refresh()
    if (this.#isHolding && this.#waiting.length === 0) {
      this.#isHolding = false
      queueMicrotask(() => this.#listener?.drained())
    }
    return bytes
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#stall)
    this.#wake?.()
    queueMicrotask(() => this.#listener?.closed())
  }

  destroy(): void {
    if (!this.#isOver) this.isCut = true
    this.#waiting = []
    this.#waitingBytes = 0
    this.end()
  }

  watchStall(ms: number): void {
    clearTimeout(this.#stall)
    this.#stall = ms === 0 || this.#isOver ? undefined : setTimeout(() => this.#listener?.stalled(), ms).unref()
  }
}
