/** What a subpath of the package gives, beside its types. */
interface Subpath {
  /** The file of `src/entry/`, without its ending. */
  readonly module: string
  readonly values: readonly string[]
  readonly types: readonly string[]
}

/** All that applications may import: what is not here may change at any time, what is here is a promise. */
export const subpaths: Readonly<Record<string, Subpath>> = {
  '.': {
    module: 'index',
    values: [
      'TidingsError',
      'createHttpServer',
      'createHub',
      'createHubOnLog',
      'createMemoryLog',
      'openStream',
      'openStreamResponse',
      'resolveHttpSettings',
    ],
    types: [
      'AnyTopics',
      'Asset',
      'Assets',
      'Certificate',
      'ErrorCode',
      'EventLog',
      'EventObject',
      'EventStream',
      'FetchHandler',
      'Gap',
      'HandlerOptions',
      'HeardOf',
      'HttpLimits',
      'HttpObserver',
      'HttpServerOptions',
      'HttpSettings',
      'HttpStatus',
      'Hub',
      'HubEvent',
      'HubOnLog',
      'HubOnLogOptions',
      'HubOptions',
      'HubServer',
      'HubStatus',
      'InputsOf',
      'Listening',
      'LogOptions',
      'MemoryLogOptions',
      'Metrics',
      'NewEvent',
      'NodeHandler',
      'NodeRequest',
      'NodeResponse',
      'Once',
      'Operation',
      'PageOptions',
      'PageResult',
      'PartialHttpSettings',
      'PayloadOf',
      'PublishOptions',
      'Report',
      'RetentionRule',
      'Schemas',
      'Since',
      'Source',
      'StandardSchema',
      'StreamEvent',
      'StreamOptions',
      'SubscribeOptions',
      'TopicOf',
      'TopicStatus',
    ],
  },
  './wire': {
    module: 'wire',
    values: [
      'TidingsError',
      'checkEventId',
      'checkKey',
      'checkTopic',
      'checkType',
      'createParser',
      'encodeBlock',
      'hubTypes',
      'matches',
      'nameLimits',
      'parsePosition',
      'parseSelector',
      'toPositionText',
    ],
    types: ['AsideBlock', 'ErrorCode', 'EventBlock', 'ParsedEvent', 'Parser', 'ParserOptions', 'Position', 'Selector'],
  },
  './client': {
    module: 'client',
    values: ['EventSource'],
    types: ['EventSourceEventMap', 'EventSourceInit', 'Fetch', 'FetchInit'],
  },
  './lmdb': { module: 'lmdb', values: ['openLmdbLog'], types: ['LmdbOptions'] },
}

/** What `exports` in package.json says for them. */
export function toExports(): object {
  const entries = Object.entries(subpaths).map(([subpath, { module }]) => [
    subpath,
    { types: `./dist/entry/${module}.d.ts`, default: `./dist/entry/${module}.js` },
  ])
  return { ...Object.fromEntries(entries), './package.json': './package.json' }
}
