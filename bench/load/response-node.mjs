// Reads answers of HTTP/1.1 as they come: head, then a body that is chunked, of known length, or ends with the connection.

/** Hands each piece of the body to `read`. Stands still behind a complete answer, until it is reset. */
export class ResponseReader {
  status = 0
  hasHead = false
  isComplete = false
  #isChunked = false
  #left = Number.POSITIVE_INFINITY
  /** What is read: lines of the head, a chunk's size, the line end behind a chunk, lines behind the last chunk, or the body. */
  #at = /** @type {'head' | 'size' | 'end' | 'trailer' | 'body'} */ ('head')
  #line = ''
  #read

  /** @param {(piece: Buffer) => void} read */
  constructor(read) {
    this.#read = read
  }

  reset() {
    this.status = 0
    this.hasHead = this.isComplete = this.#isChunked = false
    this.#left = Number.POSITIVE_INFINITY
    this.#at = 'head'
  }

  /** @param {Buffer} bytes */
  feed(bytes) {
    let at = 0
    while (at < bytes.length && !this.isComplete) {
      if (this.#at === 'body') {
        const piece = bytes.subarray(at, at + this.#left)
        this.#read(piece)
        at += piece.length
        this.#left -= piece.length
        if (this.#left > 0) continue
        if (this.#isChunked) this.#at = 'end'
        else this.isComplete = true
        continue
      }
      const end = bytes.indexOf(10, at)
      this.#line += bytes.toString('latin1', at, end < 0 ? bytes.length : end)
      if (end < 0) return
      at = end + 1
      const line = this.#line.endsWith('\r') ? this.#line.slice(0, -1) : this.#line
      this.#line = ''
      this.#take(line)
    }
  }

  /** @param {string} line */
  #take(line) {
    if (this.#at === 'size') {
      this.#left = Number.parseInt(line, 16)
      this.#at = this.#left > 0 ? 'body' : 'trailer'
    } else if (this.#at === 'end') {
      this.#at = 'size'
    } else if (this.#at === 'trailer') {
      if (line === '') this.isComplete = true
    } else if (this.status === 0) {
      this.status = Number(/^HTTP\/1\.1 (\d{3})/.exec(line)?.[1] ?? 599)
    } else if (line === '') {
      this.hasHead = true
      this.isComplete = this.status === 204 || this.status === 304 || (this.#left === 0 && !this.#isChunked)
      this.#at = this.#isChunked ? 'size' : 'body'
    } else if (/^transfer-encoding: chunked/i.test(line)) {
      this.#isChunked = true
    } else {
      this.#left = Number(/^content-length:\s*(\d+)/i.exec(line)?.[1] ?? this.#left)
    }
  }
}
