import { connect, isIPv4, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** Where the hub is, looked up once. */
export interface Place {
  readonly url: URL
  readonly address: string
  readonly port: number
  readonly isLoopback: boolean
}

export interface DialListener {
  onConnected(): void
  /** The bytes are good during the call only. */
  onBytes(bytes: Uint8Array): void
  /** Called once. `why`: the code of the error, if it was one. */
  onClosed(why: string | undefined): void
}

/** All connections read into it, one at a time: thousands of buffers would be the greater part of this process. */
const readBuffer = Buffer.allocUnsafe(64 * 1024)

/** An address and a port make some 28,000 pairs with the ports that a system gives out by itself. */
const connectionsPerAddress = 20_000

/** Opens a connection for the client with this number. */
export function dial(place: Place, client: number, listener: DialListener): Socket {
  const { url, address, port } = place
  const localAddress = sourceAddress(place, client)
  let why: string | undefined
  const to = { host: address, port, ...(localAddress !== undefined && { localAddress }) }
  const isTls = url.protocol === 'https:'
  const socket = isTls
    ? connectTls({ ...to, servername: isIPv4(url.hostname) || url.hostname.startsWith('[') ? '' : url.hostname })
    : connect({
        ...to,
        onread: {
          buffer: readBuffer,
          callback: length => {
            listener.onBytes(readBuffer.subarray(0, length))
            return true
          },
        },
      })
  if (isTls) socket.on('data', bytes => listener.onBytes(bytes))
  socket.once(isTls ? 'secureConnect' : 'connect', () => listener.onConnected())
  socket.on('error', (error: NodeJS.ErrnoException) => {
    why = error.code ?? error.message
  })
  socket.once('close', () => listener.onClosed(why))
  return socket
}

/**
 * The address that the client with this number calls from; nothing: the system's choice. Linux answers on all of 127.0.0.0/8;
 * elsewhere there is one address, and as many connections as it has ports.
 */
export function sourceAddress({ isLoopback, address }: Place, client: number): string | undefined {
  const block = Math.floor(client / connectionsPerAddress)
  if (block === 0 || process.platform !== 'linux' || !isLoopback || !isIPv4(address)) return undefined
  return `127.0.0.${block + 1}`
}
