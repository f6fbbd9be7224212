/** A file that the hub serves as it is, such as its page. */
export interface Asset {
  /** The media type, with its charset. */
  readonly type: string
  readonly body: string | Uint8Array
  /** Beside the hub's own, over which they win. Default: none. */
  readonly headers?: Readonly<Record<string, string>>
  /** Pages of any origin may load it, such as the client. Default: false. */
  readonly isPublic?: boolean
}

/** By path, such as `/` or `/tidings.js`. */
export type Assets = ReadonlyMap<string, Asset>
