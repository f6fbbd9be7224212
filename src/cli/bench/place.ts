import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { isLoopbackName } from '../../http/authority.js'
import { TidingsError } from '../../wire/errors.js'
import { exitCodes } from '../exit-codes.js'
import { CommandEnd, foreignEnd } from '../hub-client/command-end.js'
import { howToReach, showUrl } from '../hub-client/hub-url.js'
import { ask } from '../hub-client/request.js'
import { judge } from '../hub-client/verdict.js'
import type { Place } from './dial.js'

/**
 * Looks up where the hub is, and whether it answers. Throws `invalid-setting` if it may not be loaded: it is on another
 * machine, and nobody said that this is meant. Rejects with `CommandEnd` if it does not answer.
 */
export async function findHub(url: URL, mayBeElsewhere: boolean, signal: AbortSignal): Promise<Place> {
  const addresses = await addressesOf(url)
  const isLoopback = addresses.every(address => isLoopbackName(isIP(address) === 6 ? `[${address}]` : address))
  if (!isLoopback && !mayBeElsewhere) {
    throw new TidingsError(
      'invalid-setting',
      `${showUrl(url)} is on another machine. A bench takes all that the hub and the way to it can give, from everybody ` +
        'who uses them. If it is yours, and this is meant, add --yes-load-it.',
    )
  }
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
  let why = 'it has no address'
  for (const address of addresses) {
    const probed = new URL(url)
    // Of several addresses of a name, the one that answers: a hub on 127.0.0.1 is not at ::1.
    if (url.protocol === 'http:') probed.hostname = isIP(address) === 6 ? `[${address}]` : address
    const headers = { Accept: 'application/json', ...(url.protocol === 'http:' && { Host: url.host }) }
    const reply = await ask(probed, { method: 'GET', target: '/events?limit=1', headers, signal })
    if (reply.kind === 'foreign') throw foreignEnd(reply.why)
    if (reply.kind !== 'answered') {
      why = reply.why
      continue
    }
    const verdict = await judge(url, reply.response)
    if (verdict.kind === 'foreign') throw foreignEnd(verdict.why)
    if (verdict.kind !== 'later') return { url, address, port, isLoopback }
    why = verdict.why
  }
  throw new CommandEnd(exitCodes.unreachable, `No hub answers at ${showUrl(url)} (${why}). ${howToReach(url)}`)
}

async function addressesOf(url: URL): Promise<readonly string[]> {
  const name = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(name) !== 0) return [name]
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    throw new CommandEnd(exitCodes.unreachable, `No machine is known by the name ${name} (${error.code}).`)
  }
}
