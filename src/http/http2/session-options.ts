import type { ServerSessionOptions } from 'node:http2'
import type { HttpLimits } from '../settings.js'

/** What one connection may hold, of headers, of bytes on their way and of frames that wait to be answered, in MB. */
const maxSessionMemory = 32
/** Bytes of uploads that one connection may send ahead of who reads them; each of its requests has 64 KiB of them. */
export const connectionWindowBytes: number = 256 * 1024
/** Of a line of headers, as HPACK counts it (RFC 7541, 4.1). */
const lineBytes = 32
const pseudoHeaders = 4

/**
 * What a connection of HTTP/2 is held to. Beyond it, Node.js and nghttp2 reset the stream or end the connection by themselves, for
 * nothing of it has become a request yet.
 */
export function toSessionOptions(limits: HttpLimits): ServerSessionOptions {
  const { maxRequestsPerConnection, maxUrlBytes, maxHeaderBytes, maxHeaders } = limits
  return {
    settings: {
      maxConcurrentStreams: maxRequestsPerConnection,
      // What is a little beyond is refused with a problem document, as over HTTP/1.1.
      maxHeaderListSize: maxUrlBytes + maxHeaderBytes + (2 * maxHeaders + pseudoHeaders) * lineBytes,
      enablePush: false,
    },
    maxHeaderListPairs: 2 * maxHeaders + pseudoHeaders,
    maxSessionMemory,
    // A client that was told the limit of streams keeps to it; so many that overtook the telling are let pass.
    maxSessionRejectedStreams: maxRequestsPerConnection,
    maxSessionInvalidFrames: 100,
    maxSettings: 32,
    maxOutstandingPings: 10,
  }
}
