import type { LogOptions } from '../log.js'

/** How a log in a directory is kept. */
export interface LmdbOptions extends LogOptions {
  /**
   * When an append is answered and visible. Default: `commit`.
   *
   * - `commit`: when it is flushed to the disk. An answered event survives the end of the process and the loss of power.
   * - `async`: when it is written, and visible, before it is flushed. An answered event survives the end of the process, also
   *   by `kill -9`. When the machine stops, the events of the commit that was being flushed may be lost, never others,
   *   and the next open begins a new epoch. (Commits follow one another, so it pays in the time of an answer, not in throughput.)
   *   On Windows this is the same as `commit`.
   */
  readonly durability?: 'commit' | 'async' | undefined
  /** How many bytes the log may take in its file; appends reject with `log-full` beyond. Default: 1 TiB. */
  readonly mapBytes?: number | undefined
}
