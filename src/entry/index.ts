// `tidings`: a hub in an application's own process.
export type { Asset, Assets } from '../http/assets.js'
export type { Certificate } from '../http/certificate.js'
export type { Metrics } from '../http/metrics.js'
export type { HttpObserver, Operation } from '../http/observer.js'
export type { Report } from '../http/report.js'
export {
  createHttpServer,
  type HttpServerOptions,
  type HttpStatus,
  type HubServer,
  type Listening,
} from '../http/server.js'
export {
  type HttpLimits,
  type HttpSettings,
  type PartialHttpSettings,
  resolveHttpSettings,
} from '../http/settings.js'
export { createHub } from '../hub/create-hub.js'
export type { EventObject, Hub, HubStatus, PageOptions, PageResult, TopicStatus } from '../hub/hub.js'
export type { HubOptions } from '../hub/options.js'
export type { Gap, Since } from '../hub/request.js'
export type { EventLog, LogOptions, NewEvent, Once, RetentionRule } from '../log/log.js'
export { createMemoryLog, type MemoryLogOptions } from '../log/memory.js'
export { type ErrorCode, TidingsError } from '../wire/errors.js'
