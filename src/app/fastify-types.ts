import type { NodeRequest, NodeResponse } from './node-types.js'

/** A request of Fastify; as much of it as is looked at. */
export interface FastifyRequestLike {
  readonly raw: NodeRequest
}

/** The reply to it; as much of it as is used. */
export interface FastifyReplyLike {
  readonly raw: NodeResponse
  readonly sent: boolean
  code(status: number): unknown
  headers(values: Record<string, string>): unknown
  send(payload?: unknown): unknown
}
