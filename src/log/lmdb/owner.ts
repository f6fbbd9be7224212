import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { link, open, readdir, realpath, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { TidingsError } from '../../wire/errors.js'
import { joinOwner, Members, type Neighbours } from './neighbours.js'

/**
 * The single owner of a log directory listens on a Unix socket in it, which the system takes from it however it ends; a file with
 * a process id could not be believed, as in a container everybody is process 1.
 *
 * The sockets are numbered, `owner.1.sock` and on. Whoever finds the highest one dead (nobody answers) listens first, under a
 * name of its own, and then links that socket to the next number: of several who try only one can, and whoever comes later finds
 * it alive. The highest number is never deleted, also not at the end, so that nobody who has looked at the directory some time
 * ago can take a number again that was used since.
 */
export interface Ownership {
  /** The other processes that write in the directory. */
  readonly members: Members
  /** `isOurs: false`: the directory turned out to hold no log, so nothing is left in it. */
  release(options?: { readonly isOurs: boolean }): Promise<void>
}

const maxSocketPathBytes = 103
const longestName = 'starting.0123456789abcdef.sock'

const ownerName = /^owner\.([1-9][0-9]{0,14})\.sock$/

/** Whether the name is that of one of the files that owners leave in a directory. */
export function isOwnerFile(name: string): boolean {
  return ownerName.test(name) || /^starting\.[0-9a-f]{16}\.sock$/.test(name)
}

/** Whether somebody has the directory now. Nothing in it is touched. Rejects where that may not be asked. */
export async function isOwned(directory: string): Promise<boolean> {
  if (process.platform === 'win32') return isAlive(await pipeName(directory))
  const place = await socketFolder(directory)
  try {
    const [highest] = await ownerNumbers(directory)
    return highest !== undefined && (await isAlive(join(place.path, `owner.${highest}.sock`)))
  } finally {
    await place.close()
  }
}

/** Rejects with `log-in-use` if another has the directory. */
export async function takeOwnership(directory: string): Promise<Ownership> {
  if (process.platform === 'win32') return takePipe(directory)
  const place = await socketFolder(directory)
  try {
    for (;;) {
      const numbers = await ownerNumbers(directory)
      const highest = numbers[0] ?? 0
      if (highest > 0 && (await isAlive(join(place.path, `owner.${highest}.sock`)))) {
        throw inUse(directory)
      }
      const members = new Members()
      const server = await listenAs(directory, place.path, highest + 1, members)
      if (!server) continue
      for (const number of numbers) await rm(join(directory, `owner.${number}.sock`), { force: true })
      return {
        members,
        async release({ isOurs } = { isOurs: true }) {
          members.close()
          await closeServer(server)
          if (!isOurs) await rm(join(directory, `owner.${highest + 1}.sock`), { force: true })
          await place.close()
        },
      }
    }
  } catch (error) {
    await place.close()
    throw error
  }
}

function inUse(directory: string): TidingsError {
  return new TidingsError(
    'log-in-use',
    `The log in ${directory} is in use by another process. Stop that one first, or choose another directory.`,
  )
}

/** Becomes a neighbour of the owner. Rejects with `log-unavailable` if the directory has none. */
export async function joinOwnerOf(directory: string): Promise<Neighbours> {
  if (process.platform === 'win32') return await orNoOwner(directory, pipeName(directory).then(joinOwner))
  const place = await socketFolder(directory)
  try {
    const [highest = 0] = await ownerNumbers(directory)
    return await orNoOwner(directory, joinOwner(join(place.path, `owner.${highest}.sock`)))
  } finally {
    await place.close()
  }
}

async function orNoOwner(directory: string, joined: Promise<Neighbours>): Promise<Neighbours> {
  try {
    return await joined
  } catch (cause) {
    throw new TidingsError('log-unavailable', `No process has the log in ${directory} that could be joined.`, { cause })
  }
}

async function pipeName(directory: string): Promise<string> {
  const digest = createHash('sha256').update(await realpath(directory))
  return `\\\\.\\pipe\\tidings-${digest.digest('hex')}`
}

/** Windows has pipes, of which a name can be listened to once, and which leave nothing behind. */
async function takePipe(directory: string): Promise<Ownership> {
  const members = new Members()
  const server = createServer(socket => members.welcome(socket))
  server.listen(await pipeName(directory))
  try {
    await once(server, 'listening')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') throw inUse(directory)
    throw error
  }
  server.unref()
  return {
    members,
    async release() {
      members.close()
      await closeServer(server)
    },
  }
}

async function closeServer(server: Server): Promise<void> {
  server.close()
  await once(server, 'close')
}

/** The listening server; nothing if another took the number, or has one above it by now. */
export async function listenAs(
  directory: string,
  folder: string,
  number: number,
  members: Members = new Members(),
): Promise<Server | undefined> {
  const own = `starting.${randomBytes(8).toString('hex')}.sock`
  const server = createServer(socket => members.welcome(socket))
  server.listen(join(folder, own))
  await once(server, 'listening')
  server.unref()
  const taken = join(directory, `owner.${number}.sock`)
  try {
    await link(join(directory, own), taken)
  } catch (error) {
    server.close()
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return undefined
    throw error
  } finally {
    await rm(join(directory, own), { force: true })
  }
  const highest = (await ownerNumbers(directory))[0]
  if (highest === number) return server
  server.close()
  await rm(taken, { force: true })
  return undefined
}

/** The numbers that stand in the directory, the highest first. */
async function ownerNumbers(directory: string): Promise<number[]> {
  const names = await readdir(directory)
  return names
    .flatMap(name => ownerName.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a)
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false)
      // So many ask at once that the owner's queue is full: there is an owner.
      else if (error.code === 'EAGAIN') resolve(true)
      else reject(error)
    })
  })
}

/**
 * The directory under a name that is short enough for the path of a socket, which has at most 107 bytes (103 on macOS). On Linux
 * the directory is opened, and named by its descriptor.
 */
async function socketFolder(directory: string): Promise<{ path: string; close(): Promise<void> }> {
  if (process.platform !== 'linux') {
    if (Buffer.byteLength(join(directory, longestName)) > maxSocketPathBytes) {
      throw new TidingsError(
        'invalid-setting',
        `The path of the log directory ${directory} is too long for a socket in it; choose one of at most ${maxSocketPathBytes - longestName.length - 1} bytes.`,
      )
    }
    return { path: directory, close: async () => {} }
  }
  const handle = await open(directory)
  return { path: `/proc/self/fd/${handle.fd}`, close: () => handle.close() }
}
