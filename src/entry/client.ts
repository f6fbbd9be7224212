// `tidings/client`: hearing events, in browsers, Node.js and wherever `fetch` is.
export { EventSource, type EventSourceEventMap, type EventSourceInit } from '../client/event-source.js'
export type { Fetch, FetchInit } from '../client/request.js'
