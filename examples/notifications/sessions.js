// Who is signed in: a cookie with the name, signed with a key that outlives a restart. Nobody is asked for a password here: put your own
// sessions in the place of this file.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

const days30 = 30 * 24 * 60 * 60

/**
 * @param {string} keyFile
 * @param {readonly string[]} users
 */
export function createSessions(keyFile, users) {
  if (!existsSync(keyFile)) {
    mkdirSync(dirname(keyFile), { recursive: true })
    writeFileSync(keyFile, randomBytes(32), { mode: 0o600 })
  }
  const key = readFileSync(keyFile)
  const sign = (/** @type {string} */ user) => createHmac('sha256', key).update(user).digest()

  return {
    /**
     * Who asks; empty: nobody that we know.
     *
     * @param {{ headers: import('node:http').IncomingHttpHeaders }} request
     */
    userOf({ headers }) {
      const [, user = '', signature = ''] = /(?:^|;\s*)session=(\w+)\.([\w-]+)/.exec(headers.cookie ?? '') ?? []
      const given = Buffer.from(signature, 'base64url')
      const right = sign(user)
      return users.includes(user) && given.length === right.length && timingSafeEqual(given, right) ? user : ''
    },
    /**
     * The cookie of a user; of nobody: one that ends the session.
     *
     * @param {string} user
     */
    cookieOf(user) {
      const value = user && `${user}.${sign(user).toString('base64url')}`
      return `session=${value}; Max-Age=${user ? days30 : 0}; Path=/; HttpOnly; SameSite=Strict`
    },
  }
}
