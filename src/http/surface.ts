import type { Hub } from '../hub/hub.js'
import type { Access } from './access.js'
import type { Assets } from './assets.js'
import type { Budget } from './budget.js'
import type { HeldStreams } from './http2/held-streams.js'
import type { Metrics } from './metrics.js'
import type { HttpObserver } from './observer.js'
import type { Pipeline } from './pipeline.js'
import type { Publisher } from './publisher.js'
import type { Report } from './report.js'
import type { HttpSettings } from './settings.js'
import type { HeldSockets } from './sinks/held-sockets.js'
import type { WebSockets } from './websocket/web-sockets.js'

/** All that answering a request needs; one a server. */
export interface Surface {
  readonly hub: Hub
  readonly settings: HttpSettings
  readonly access: Access
  readonly assets: Assets
  /** Nothing: there is no `/metrics`. */
  readonly metrics: Metrics | undefined
  readonly report: Report
  readonly observer: HttpObserver
  readonly publisher: Publisher
  /** Connections of streams, and of streams that were refused. */
  readonly sockets: HeldSockets
  /** Streams on connections that hold several, by HTTP/2. */
  readonly streams: HeldStreams
  readonly webSockets: WebSockets
  readonly pipeline: Pipeline
  /** Bytes of answers that are with their readers. */
  readonly answersInFlight: Budget
  /** Long polls that wait. */
  readonly longPolls: Budget
}
