import { digestOf } from '../http/idempotency.js'
import type { Hub as HubOnLog } from '../hub/hub.js'
import { checkOptions, wholeNumber } from '../log/settings.js'
import { TidingsError } from '../wire/errors.js'
import { checkEventId, checkKey, checkTopic, checkType } from '../wire/names.js'
import { bindMethods } from './bind-methods.js'
import { Engine } from './engine.js'
import { type FastifyHandler, type FastifyHandlerOf, toFastifyHandler } from './fastify-handler.js'
import type { FastifyRequestLike } from './fastify-types.js'
import { type FetchHandler, type FetchHandlerOf, toFetchHandler } from './fetch-handler.js'
import type { HandlerOptions, InferredOptions, TopicsFunction } from './handler-options.js'
import type { HubEvent } from './hub-event.js'
import { type NodeHandler, type NodeHandlerOf, toNodeHandler } from './node-handler.js'
import type { NodeRequest } from './node-types.js'
import { type HubOptions, resolveOptions } from './options.js'
import { toData } from './payload.js'
import { type InputsOf, type Schemas, SchemaTable } from './schema.js'
import { type DurableStreamOptions, resolveDurableOptions } from './streams/durable-options.js'
import { type DurableStream, HubStream } from './streams/durable-stream.js'
import { hear, type SubscribeOptions, toSubscribeRequest } from './subscribe.js'
import type { AnyTopics, HeardOf, PayloadOf, TopicOf } from './topics.js'

/** What may be said of an event beside its topic and data. */
export interface PublishOptions {
  /** A kind of event: `addEventListener(type, ...)` hears it, and `onmessage` does not. 1 to 128 bytes. Default: none. */
  readonly type?: string | undefined
  /** Which thing the event is the newest state of. At most 256 bytes. Default: empty. */
  readonly key?: string | undefined
  /** Your own name for the event. 1 to 256 visible ASCII characters. Default: none. */
  readonly eventId?: string | undefined
  /** The last event of its topic. Default: false. */
  readonly end?: boolean | undefined
  /** Makes it harmless to publish the same again within two minutes, when an answer was lost. 1 to 256 characters. Default: none. */
  readonly idempotencyKey?: string | undefined
}

/**
 * A hub in an application's own process. What is published here, its readers hear over HTTP and in process, and those of every
 * other hub on the same log.
 *
 * All that is asked of it waits until the log is open, and rejects with the reason if that failed. Its methods may be taken off it, as in
 * `const { publish } = hub`.
 */
export interface Hub<Topics = AnyTopics> {
  /**
   * Appends an event; resolves to its id when the log holds it. A text is published as it is, any other value as JSON;
   * bytes, promises and what JSON says nothing of, such as a `Map`, are refused.
   * Rejects with `invalid-topic`, `reserved-topic`, `invalid-event` (also: not what its schema asks for), `unknown-member`, `too-large`,
   * `topic-ended`, `idempotency-conflict`, `draining`, and as `EventLog.append`.
   */
  publish<Topic extends TopicOf<Topics>>(
    topic: Topic,
    data: PayloadOf<Topics, Topic>,
    options?: PublishOptions,
  ): Promise<string>
  /**
   * Opens a topic as a stream with one producer, the caller: what he sends is in the log, and readers hear it by any route, while he sends or
   * later. It ends as he says, as `stopStream` says, or by itself when this process is gone. Who opened a topic last has it.
   * Rejects with `invalid-topic`, `reserved-topic`, `topic-ended`, `invalid-setting`, `invalid-event`, `draining`, and as `EventLog.append`.
   */
  openStream<const Topic extends TopicOf<Topics>>(
    topic: Topic,
    options?: DurableStreamOptions,
  ): Promise<DurableStream<PayloadOf<Topics, Topic>>>
  /**
   * Ends a durable stream as `stopped`, in whichever process of the log its producer is; his `signal` aborts. Resolves to whether there was
   * one, which had not ended otherwise. Rejects as `openStream`.
   */
  stopStream(topic: TopicOf<Topics>): Promise<boolean>
  /**
   * Hears a topic or selector, or up to 100 of them, from this moment on unless `since` or `cursor` says otherwise: each event once, in
   * order. Whoever takes them slowly costs no memory: the log is read on when he comes for more.
   * Ends when the one topic ends, `signal` aborts, the loop is left, or the hub closes.
   * Throws `invalid-selector`, `invalid-parameter` and `too-many-topics`; rejects as the log does.
   */
  subscribe<const Selector extends string>(
    topics: Selector | readonly Selector[],
    options?: SubscribeOptions,
  ): AsyncIterableIterator<HubEvent<HeardOf<Topics, Selector>>>
  /**
   * A route for `(request, response)` of Node.js: `node:http`, `node:http2`, Express. It answers with a stream of events, or
   * lines, or a page, as the interface has it, of the topics that the application says.
   * Where Express takes it, `topics` is given its request, the parameters of the path with it.
   */
  handler<Topics extends TopicsFunction<NodeRequest>>(options: InferredOptions<Topics>): NodeHandlerOf<Topics>
  handler<Request extends NodeRequest = NodeRequest>(options: HandlerOptions<[request: Request]>): NodeHandler<Request>
  /** The same for Fastify: its hooks run before the stream begins, and `topics` is given its request. */
  fastifyHandler<Topics extends TopicsFunction<FastifyRequestLike>>(
    options: InferredOptions<Topics>,
  ): FastifyHandlerOf<Topics>
  fastifyHandler<Request extends FastifyRequestLike = FastifyRequestLike>(
    options: HandlerOptions<[request: Request]>,
  ): FastifyHandler<Request>
  /** The same for `(Request) => Response`: Hono, and others that speak these. What follows the request is handed to `topics`. */
  fetchHandler<Topics extends TopicsFunction<Request>>(options: InferredOptions<Topics>): FetchHandlerOf<Topics>
  fetchHandler<Context extends readonly unknown[] = []>(
    options: HandlerOptions<[request: Request, ...context: Context]>,
  ): FetchHandler<Context>
  /** How many subscriptions hear a topic; 0 before the log is open. */
  subscribers(topic: string): number
  /** The hub underneath, when its log is open: what `createHttpServer` takes. Rejects if that cannot be opened. */
  onLog(): Promise<HubOnLog>
  /**
   * Takes no more readers and no more events, ends streams that were opened here and are not closed as `abandoned`, gives its readers what is coming to them, asks them to come back, and ends their streams;
   * cuts off who is left after `deadlineMs` (0 to 600,000; default 5,000). Then closes the log if it opened it. Every time to the same.
   */
  close(options?: { readonly deadlineMs?: number | undefined }): Promise<void>
}

/**
 * Starts a hub in this process. It is there at once; its log opens meanwhile.
 *
 * With `schemas` its topics have the types of these; with `createHub<Topics>()` those of `Topics`: names or selectors, and what is said there.
 * Throws `invalid-setting` and `invalid-selector`.
 */
export function createHub<const Given extends Schemas>(
  options: HubOptions & { readonly schemas: Given },
): Hub<InputsOf<Given>>
export function createHub<Topics = AnyTopics>(options?: HubOptions): Hub<Topics>
export function createHub(options: HubOptions = {}): Hub {
  return new ApplicationHub(options)
}

class ApplicationHub implements Hub {
  readonly #engine: Engine
  readonly #schemas: SchemaTable | undefined

  constructor(options: HubOptions) {
    const settings = resolveOptions(options)
    this.#schemas = settings.schemas === undefined ? undefined : new SchemaTable(settings.schemas)
    this.#engine = new Engine(settings)
    bindMethods(this)
  }

  async publish(topic: string, payload: unknown, options: PublishOptions = {}): Promise<string> {
    checkTopic(topic)
    checkOptions(options, 'an event', publishOptions, 'unknown-member')
    const { type, key, eventId, end, idempotencyKey } = options
    if (type !== undefined) checkType(type)
    if (key !== undefined) checkKey(key)
    if (eventId !== undefined) checkEventId(eventId)
    if (end !== undefined && typeof end !== 'boolean') {
      throw new TidingsError('invalid-event', 'Not an end: it is true for the last event of its topic, or false.')
    }
    const checked = this.#schemas ? await this.#schemas.check(topic, payload) : payload
    const data = toData(checked, this.#engine.settings.maxEventBytes)
    const once =
      idempotencyKey === undefined
        ? undefined
        : toOnce(idempotencyKey, [topic, data, type ?? '', key ?? '', eventId ?? ''])
    const hub = this.#engine.hub ?? (await this.#engine.started)
    const [id = ''] = await hub.publish([{ topic, data, type, key, eventId, end, once }])
    return id
  }

  async openStream<Payload>(topic: string, options: DurableStreamOptions = {}): Promise<DurableStream<Payload>> {
    checkTopic(topic)
    const { settings } = this.#engine
    const schemas = this.#schemas
    const stream = new HubStream<Payload>(topic, {
      settings: resolveDurableOptions(options, settings),
      maxEventBytes: settings.maxEventBytes,
      check: schemas && (payload => schemas.check(topic, payload)),
    })
    return stream.open(this.#engine.hub ?? (await this.#engine.started))
  }

  async stopStream(topic: string): Promise<boolean> {
    return (this.#engine.hub ?? (await this.#engine.started)).stopStream(topic)
  }

  subscribe<Payload>(
    topics: string | readonly string[],
    options: SubscribeOptions = {},
  ): AsyncIterableIterator<HubEvent<Payload>> {
    const { hub, started, settings } = this.#engine
    const request = toSubscribeRequest(typeof topics === 'string' ? [topics] : topics, options)
    // Now, not when the first event is asked for: what is published between is heard too.
    const beginning = hub ? hub.begin(request) : started.then(later => later.begin(request))
    beginning.catch(() => undefined)
    const onGap =
      options.onGap ?? (gap => settings.report(`Events may be missing to a subscription in process (${gap.reason}).`))
    return hear<Payload>(started, request, beginning, { ...options, onGap })
  }

  handler<Topics extends TopicsFunction<NodeRequest>>(options: InferredOptions<Topics>): NodeHandlerOf<Topics>
  handler<Request extends NodeRequest>(options: HandlerOptions<[request: Request]>): NodeHandler<Request>
  handler(options: HandlerOptions<[request: NodeRequest]>): NodeHandler<NodeRequest> {
    return toNodeHandler(this.#engine, options)
  }

  fastifyHandler<Topics extends TopicsFunction<FastifyRequestLike>>(
    options: InferredOptions<Topics>,
  ): FastifyHandlerOf<Topics>
  fastifyHandler<Request extends FastifyRequestLike>(
    options: HandlerOptions<[request: Request]>,
  ): FastifyHandler<Request>
  fastifyHandler(options: HandlerOptions<[request: FastifyRequestLike]>): FastifyHandler<FastifyRequestLike> {
    return toFastifyHandler(this.#engine, options)
  }

  fetchHandler<Topics extends TopicsFunction<Request>>(options: InferredOptions<Topics>): FetchHandlerOf<Topics>
  fetchHandler<Context extends readonly unknown[]>(
    options: HandlerOptions<[request: Request, ...context: Context]>,
  ): FetchHandler<Context>
  fetchHandler(options: HandlerOptions<[request: Request, ...context: never]>): FetchHandler<never> {
    return toFetchHandler(this.#engine, options)
  }

  subscribers(topic: string): number {
    return this.#engine.hub?.subscribers(topic) ?? 0
  }

  onLog(): Promise<HubOnLog> {
    return this.#engine.started
  }

  async close(options: { readonly deadlineMs?: number | undefined } = {}): Promise<void> {
    checkOptions(options, 'the end of a hub', ['deadlineMs'])
    const { deadlineMs } = options
    await this.#engine.close(wholeNumber('deadlineMs', deadlineMs ?? 5_000, 0, 600_000))
  }
}

const publishOptions = ['type', 'key', 'eventId', 'end', 'idempotencyKey'] satisfies (keyof PublishOptions)[]

function toOnce(key: string, parts: readonly string[]): { readonly token: string; readonly digest: string } {
  if (typeof key !== 'string' || !/^[!-~]{1,256}$/.test(key)) {
    throw new TidingsError('invalid-event', 'An idempotencyKey is 1 to 256 characters of U+0021 to U+007E.')
  }
  return { token: `${key}#0`, digest: digestOf(...parts) }
}
