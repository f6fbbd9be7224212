import { Gather } from './gather.js'

/** A line of a body, from 1, without its end. */
export interface Line {
  readonly number: number
  readonly bytes: Uint8Array
}

/**
 * Cuts a body into lines, whatever the chunks. A line ends at LF; a CR before it is white space of JSON. Holds one unfinished
 * line, of little more than `maxLineBytes`.
 */
export class LineCutter {
  readonly #maxLineBytes: number
  readonly #line = new Gather()
  #number = 1

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes
  }

  /** The line that is being cut. */
  get number(): number {
    return this.#number
  }

  /** Bytes of it that are held. */
  get size(): number {
    return this.#line.size
  }

  /** Whether the line being cut is longer than is taken. What `cut` gave is good all the same. */
  get isTooLong(): boolean {
    return this.size > this.#maxLineBytes
  }

  /** The lines that `chunk` ends, until one is too long; what follows that one is not cut. */
  *cut(chunk: Buffer): Generator<Line> {
    let from = 0
    for (;;) {
      const end = chunk.indexOf(0x0a, from)
      this.#line.add(chunk.subarray(from, end < 0 ? undefined : end))
      if (this.isTooLong || end < 0) return
      yield this.#take()
      from = end + 1
    }
  }

  /** The last line, if the body did not end with a line's end. */
  rest(): Line | undefined {
    return this.size > 0 ? this.#take() : undefined
  }

  #take(): Line {
    return { number: this.#number++, bytes: this.#line.take() }
  }
}
