import { Gather } from '../../http/gather.js'

/** A line of the input, counted from 1, without its LF or CRLF. Without bytes: it has more than are taken. */
export interface InputLine {
  readonly number: number
  readonly bytes: Uint8Array | undefined
}

const LF = 0x0a
const CR = 0x0d

/** Cuts the input into lines, however it comes. Holds one unfinished line of at most `maxLineBytes`; of a longer one, nothing. */
export class InputLineCutter {
  readonly #maxLineBytes: number
  #held = new Gather()
  #isTooLong = false
  #number = 0

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes
  }

  /** Whether a line has begun that has not ended. */
  get isUnfinished(): boolean {
    return this.#isTooLong || this.#held.size > 0
  }

  /** Lines that have ended. */
  get count(): number {
    return this.#number
  }

  /** The lines that `chunk` ends. */
  *cut(chunk: Uint8Array): Generator<InputLine> {
    let from = 0
    for (;;) {
      const end = chunk.indexOf(LF, from)
      this.#hold(chunk.subarray(from, end < 0 ? undefined : end))
      if (end < 0) return
      yield this.#take()
      from = end + 1
    }
  }

  /** The last line, if the input does not end with a line feed. */
  rest(): InputLine | undefined {
    return this.isUnfinished ? this.#take() : undefined
  }

  #hold(part: Uint8Array): void {
    // A CR that ends the line is none of its bytes.
    if (this.#isTooLong || this.#held.size + part.length > this.#maxLineBytes + 1) {
      this.#isTooLong = true
      this.#held = new Gather()
    } else {
      this.#held.add(part)
    }
  }

  #take(): InputLine {
    const held = this.#held.take()
    const bytes = held.at(-1) === CR ? held.subarray(0, -1) : held
    const isTooLong = this.#isTooLong || bytes.length > this.#maxLineBytes
    this.#isTooLong = false
    return { number: ++this.#number, bytes: isTooLong ? undefined : bytes }
  }
}
