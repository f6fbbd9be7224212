/**
 * Everything that Tidings refuses or fails at, by its stable code: the HTTP status that the code is answered with,
 * and its title. `0`: never answered over HTTP (the program says it at start and exits, or an application is told).
 */
export const errorCodes = {
  'bad-request': [400, 'Malformed request'],
  'invalid-topic': [400, 'Not a topic'],
  'invalid-selector': [400, 'Not a selector'],
  'invalid-event': [400, 'Not an event'],
  'unknown-member': [400, 'Unknown member of an event'],
  'invalid-json': [400, 'Not JSON'],
  'invalid-utf8': [400, 'Not UTF-8'],
  'invalid-parameter': [400, 'A parameter has no such value'],
  'unknown-parameter': [400, 'Unknown parameter'],
  'too-many-topics': [400, 'Too many topics'],
  'too-many-events': [400, 'Too many events in one request'],
  unauthorized: [401, 'A token is asked for'],
  'not-allowed': [403, 'Not allowed'],
  'reserved-topic': [403, 'The topic belongs to the hub'],
  'host-not-allowed': [403, 'Unknown Host'],
  'origin-not-allowed': [403, 'Unknown Origin'],
  'not-found': [404, 'Not found'],
  'method-not-allowed': [405, 'Method not allowed'],
  'not-acceptable': [406, 'No such form'],
  'request-timeout': [408, 'The request came too slowly'],
  'topic-ended': [409, 'The topic has ended'],
  'too-large': [413, 'Too large'],
  'uri-too-long': [414, 'Address too long'],
  'unsupported-media-type': [415, 'Unsupported media type'],
  'idempotency-conflict': [422, 'The key was used for another body'],
  'headers-too-large': [431, 'Headers too large'],
  internal: [500, 'Internal error'],
  overloaded: [503, 'Too much at once'],
  draining: [503, 'Shutting down'],
  'log-unavailable': [503, 'The log does not answer'],
  'log-full': [503, 'The log is full'],
  'log-in-use': [0, 'The log directory is in use'],
  'log-corrupt': [0, 'The log is damaged'],
  'log-foreign': [0, 'Not a log of Tidings'],
  'log-newer': [0, 'The log is of a newer version'],
  'place-taken': [0, 'There is something in that place'],
  'driver-missing': [0, 'The driver of the log is not installed'],
  'invalid-setting': [0, 'A setting has no such value'],
  'cannot-listen': [0, 'Cannot listen'],
  'stream-closed': [0, 'The stream is over'],
  'connection-lost': [0, 'The connection is lost'],
  refused: [0, 'The server refused it'],
  'not-a-stream': [0, 'Not a stream of events'],
  'stream-incomplete': [0, 'The stream ended too early'],
} as const

export type ErrorCode = keyof typeof errorCodes

/** The one class of errors that Tidings throws on purpose. `message` says what happened and what to do about it. */
export class TidingsError extends Error {
  override readonly name: string = 'TidingsError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
