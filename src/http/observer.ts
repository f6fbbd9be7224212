import type { ErrorCode } from '../wire/errors.js'

/** What a request was for, as far as it could be read. */
export type Operation = 'publish' | 'read' | 'other'

/** Is told what the surface does, for figures and for operators. Each call returns at once and never throws. */
export interface HttpObserver {
  /** A request to publish has come, whatever becomes of it. */
  publishing(): void
  /** A request was refused; of bodies of lines, maybe after some were accepted. A stream that is answered "come later" counts. */
  refused(operation: Operation, code: ErrorCode): void
  /** A connection was closed unheard: there were as many as there may be. */
  dropped(): void
}

/** Listens to nothing. */
export const nobody: HttpObserver = {
  publishing: () => undefined,
  refused: () => undefined,
  dropped: () => undefined,
}
