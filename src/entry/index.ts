// `tidings`: a hub in an application's own process.
export { createHub, type Hub, type PublishOptions } from '../app/create-hub.js'
export type { FastifyHandler } from '../app/fastify-handler.js'
export type { FastifyReplyLike, FastifyRequestLike } from '../app/fastify-types.js'
export type { FetchHandler } from '../app/fetch-handler.js'
export type { HandlerOptions } from '../app/handler-options.js'
export type { HubEvent } from '../app/hub-event.js'
export type { NodeHandler } from '../app/node-handler.js'
export type { NodeRequest, NodeResponse } from '../app/node-types.js'
export type { HubOptions } from '../app/options.js'
export type { InputsOf, Schemas, StandardSchema } from '../app/schema.js'
export type { DurableStreamOptions } from '../app/streams/durable-options.js'
export type { DurableStream, Sent } from '../app/streams/durable-stream.js'
export type { EventStream } from '../app/streams/event-stream.js'
export type { Source } from '../app/streams/feed.js'
export { openStream, openStreamResponse } from '../app/streams/open-stream.js'
export type { StreamOptions } from '../app/streams/options.js'
export type { StreamEvent } from '../app/streams/stream-event.js'
export type { SubscribeOptions } from '../app/subscribe.js'
export type { AnyTopics, HeardOf, PayloadOf, TopicOf } from '../app/topics.js'
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
export { createHub as createHubOnLog } from '../hub/create-hub.js'
export type {
  EventObject,
  Hub as HubOnLog,
  HubStatus,
  PageOptions,
  PageResult,
  TopicStatus,
} from '../hub/hub.js'
export type { LeaseOptions, StreamLease } from '../hub/lease.js'
export type { HubOptions as HubOnLogOptions } from '../hub/options.js'
export type { Gap, Since } from '../hub/request.js'
export type { Outcome } from '../hub/topic-end.js'
export type { EventLog, LogOptions, NewEvent, Once, RetentionRule } from '../log/log.js'
export { createMemoryLog, type MemoryLogOptions } from '../log/memory.js'
export { type ErrorCode, TidingsError } from '../wire/errors.js'
