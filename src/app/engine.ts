import { Budget } from '../http/budget.js'
import { createHub } from '../hub/create-hub.js'
import type { Hub } from '../hub/hub.js'
import type { EventLog } from '../log/log.js'
import { checkLog, type Settings } from './options.js'

/** The hub on a log that an application's hub is made around, from the moment on at which the log is open. */
export class Engine {
  readonly settings: Settings
  /** Rejects if the log cannot be opened. */
  readonly started: Promise<Hub>
  /** Streams that are open over HTTP. */
  readonly streams: Budget
  /** Long polls that wait. */
  readonly longPolls: Budget
  /** The hub, once it has started. */
  hub: Hub | undefined
  #log: EventLog | undefined
  #closed: Promise<void> | undefined

  constructor(settings: Settings) {
    this.settings = settings
    this.streams = new Budget(settings.maxStreams)
    this.longPolls = new Budget(Math.min(5_000, settings.maxStreams))
    this.started = this.#start()
    // Whoever uses the hub is told too, but that may be a reader only, much later.
    this.started.catch(error =>
      settings.report('The log could not be opened; nothing can be published or heard.', error),
    )
  }

  close(deadlineMs: number): Promise<void> {
    this.#closed ??= this.#close(deadlineMs)
    return this.#closed
  }

  async #start(): Promise<Hub> {
    this.#log = checkLog(await this.settings.openLog())
    this.hub = await createHub(this.#log, this.settings.engine)
    return this.hub
  }

  async #close(deadlineMs: number): Promise<void> {
    try {
      const hub = await this.started
      await hub.drain(deadlineMs)
      await hub.close()
    } finally {
      if (this.settings.ownsLog) await this.#log?.close()
    }
  }
}
