import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** Types of frames (RFC 9113, 6). */
export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

export type FrameType = keyof typeof frameTypes

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

export const preface: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
export const endStream = 1
export const acknowledges = 1
export const endHeaders = 4

export function toFrame(type: FrameType, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = frameTypes[type]
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** Headers as HPACK has them, each written out (RFC 7541, 6.2.2). */
export function toBlock(headers: Readonly<Record<string, string>> | readonly (readonly [string, string])[]): Buffer {
  const pairs = Array.isArray(headers) ? headers : Object.entries(headers)
  return Buffer.concat(pairs.flatMap(([name, value]) => [Buffer.from([0]), toText(name), toText(value)]))
}

function toText(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
  const length = [127]
  let rest = bytes.length - 127
  while (rest >= 128) {
    length.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  return Buffer.concat([Buffer.from([...length, rest]), bytes])
}

export function getBlock(path: string, more: Readonly<Record<string, string>> = {}): Buffer {
  return toBlock({ ':method': 'GET', ':scheme': 'https', ':authority': 'localhost', ':path': path, ...more })
}

/** A connection of HTTP/2 on which frames are written as they are, and heard as they come. */
export class RawHttp2 {
  readonly socket: Socket
  readonly frames: Frame[] = []
  isClosed = false
  #rest: Buffer = Buffer.alloc(0)
  #wake: (() => void)[] = []

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.isClosed = true
      this.#notify()
    })
  }

  /** Over TLS, or plain; with preface and settings said and acknowledged, unless `isSilent`. */
  static async open(
    port: number,
    options: { readonly isPlain?: boolean; readonly isSilent?: boolean } = {},
  ): Promise<RawHttp2> {
    const where = { port, host: '127.0.0.1' }
    const socket = options.isPlain
      ? connect(where)
      : connectTls({ ...where, rejectUnauthorized: false, ALPNProtocols: ['h2'] })
    const raw = new RawHttp2(socket)
    await once(socket, options.isPlain ? 'connect' : 'secureConnect')
    if (options.isSilent) return raw
    raw.write(preface, toFrame('settings', 0, 0))
    await raw.frame('settings', frame => frame.flags === 0)
    return raw.write(toFrame('settings', acknowledges, 0))
  }

  write(...pieces: readonly Uint8Array[]): this {
    if (!this.isClosed) this.socket.write(Buffer.concat(pieces))
    return this
  }

  /** The first frame that `isIt`; nothing if the connection is closed without one. */
  async frame(type: FrameType, isIt: (frame: Frame) => boolean = () => true): Promise<Frame | undefined> {
    for (;;) {
      const found = this.frames.find(frame => frame.type === frameTypes[type] && isIt(frame))
      if (found || this.isClosed) return found
      await new Promise<void>(resolve => this.#wake.push(resolve))
    }
  }

  async closed(): Promise<void> {
    while (!this.isClosed) await new Promise<void>(resolve => this.#wake.push(resolve))
  }

  #read(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes])
    for (;;) {
      const length = this.#rest.length < 9 ? Number.POSITIVE_INFINITY : this.#rest.readUIntBE(0, 3)
      if (this.#rest.length < 9 + length) break
      this.frames.push({
        type: this.#rest[3] ?? 0,
        flags: this.#rest[4] ?? 0,
        stream: this.#rest.readUInt32BE(5),
        payload: this.#rest.subarray(9, 9 + length),
      })
      this.#rest = this.#rest.subarray(9 + length)
    }
    this.#notify()
  }

  #notify(): void {
    const wake = this.#wake
    this.#wake = []
    for (const resolve of wake) resolve()
  }
}
