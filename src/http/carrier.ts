import type { Sink } from '../hub/sink.js'
import type { Answer } from './answer.js'
import type { RawHead } from './raw-head.js'
import type { Standing } from './sinks/held-sockets.js'

/** By what a request for a stream came, and its answer goes: a socket of its own, or a stream of HTTP/2. */
export interface Carrier {
  readonly request: RawHead
  /** Nobody is there any more to whom an answer could go. */
  readonly isGone: boolean
  /** It hears what is already written, and no more: it has closed its side. */
  readonly hearsNoMore: boolean
  /** Opens the stream with these headers; its body begins with `start`. */
  open(headers: Readonly<Record<string, string>>, start: Uint8Array): Sink
  /** By what the stream that was opened is had, so that it is ended when that is taken back. */
  grant(standing: Standing): void
  /** Answers, and no more. */
  answer(answer: Answer): void
  destroy(): void
}
