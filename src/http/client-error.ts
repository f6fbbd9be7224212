import { TidingsError } from '../wire/errors.js'
import type { HttpLimits } from './settings.js'

/** What Node.js says of bytes that it could not read as a request. */
export interface ClientError extends Error {
  readonly code?: string
  readonly rawPacket?: Buffer
  readonly bytesParsed?: number
}

/** The refusal of bytes that are no request; nothing where nobody is left who could read it. */
export function toClientRefusal(error: ClientError, limits: HttpLimits): TidingsError | undefined {
  // What fails in TLS leaves nothing to answer over.
  if (error.code?.startsWith('ERR_SSL') || error.code?.startsWith('ERR_TLS')) return undefined
  switch (error.code) {
    case 'ECONNRESET':
    case 'EPIPE':
      return undefined
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new TidingsError('request-timeout', `The head of a request comes within ${limits.headersTimeoutMs} ms.`)
    case 'HPE_HEADER_OVERFLOW':
      return isInTarget(error)
        ? new TidingsError('uri-too-long', `The request target has at most ${limits.maxUrlBytes} bytes.`)
        : new TidingsError('headers-too-large', `The headers of a request have at most ${limits.maxHeaderBytes} bytes.`)
    case 'HPE_INVALID_URL':
      return new TidingsError('bad-request', 'The request target has characters that must be percent-encoded.')
    case 'HPE_INVALID_METHOD':
      return new TidingsError('bad-request', 'This is no request of HTTP/1.1: it begins with no method.')
    case 'HPE_INVALID_EOF_STATE':
      return new TidingsError('bad-request', 'The connection ended before the request did.')
    case 'HPE_INVALID_CONTENT_LENGTH':
    case 'HPE_UNEXPECTED_CONTENT_LENGTH':
    case 'HPE_INVALID_TRANSFER_ENCODING':
    case 'HPE_INVALID_CHUNK_SIZE':
      return new TidingsError(
        'bad-request',
        'The length of the body is not to be told: Content-Length or chunks are malformed.',
      )
    case 'HPE_INVALID_HEADER_TOKEN':
    case 'HPE_INVALID_CONSTANT':
    case 'HPE_LF_EXPECTED':
    case 'HPE_CR_EXPECTED':
      return new TidingsError('bad-request', 'A header of the request is malformed.')
    default:
      return new TidingsError('bad-request', 'This is no request of HTTP/1.1.')
  }
}

/** Whether the head ran over while the target was still coming: nothing but the beginning of a request line was read. */
function isInTarget({ rawPacket, bytesParsed }: ClientError): boolean {
  const read = rawPacket?.subarray(0, bytesParsed).toString('latin1') ?? ''
  return /^[A-Z]+ \S+$/.test(read)
}
