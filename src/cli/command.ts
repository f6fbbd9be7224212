/** One of the things that `tidings` does. Each lives in a folder of its own, and is loaded only when it is called. */
export interface Command {
  /** How it is called, what it does, its options, examples, and its exit codes: what `--help` shows. Ends with a line feed. */
  help(): string
  /**
   * Does it, to its end; resolves to the exit code. A rejection is reported: `TidingsError` by its message (`invalid-setting`
   * as a wrong call), anything else with its stack.
   */
  run(args: readonly string[]): Promise<number>
}

/** A command as `tidings --help` lists it. */
export interface CommandEntry {
  /** In a few words. */
  readonly summary: string
  load(): Promise<Command>
}
