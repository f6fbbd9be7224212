import { hear } from '../hear.mjs'
import { untilReaders, withPeer } from './row.mjs'

const path = '/text'
const readers = 12
const withinMs = 3_000

/** @type {import('./row.mjs').Row} */
export const leaving = {
  title: 'Noticing who left',
  about: `Of ${readers} readers a third closes its connection, a third is killed (RST), and a third stops reading, has 8 MB coming to it, and then closes. Within ${withinMs / 1_000} seconds the application must know of none.`,
  async try(name) {
    return withPeer(name, async running => {
      const all = []
      for (let i = 0; i < readers; i++) all.push(await hear(running.port, path))
      if ((await untilReaders(running, path, readers)) === undefined) throw new Error('not all readers are known')
      const stalled = all.filter((_, i) => i % 3 === 2)
      for (const reader of stalled) reader.stall()
      for (let i = 0; i < 128; i++) await running.say(path, 'x'.repeat(65_536))
      for (const [i, reader] of all.entries()) if (i % 3 < 2) reader.leave({ rudely: i % 3 === 1 })
      const plain = await untilReaders(running, path, stalled.length, withinMs)
      for (const reader of stalled) reader.leave()
      const last = await untilReaders(running, path, 0, withinMs)
      if (plain !== undefined && last !== undefined) return { verdict: 'holds', says: 'all' }
      return {
        verdict: 'breaks',
        says: plain === undefined ? '**not all**' : '**all but those that had stopped reading**',
      }
    })
  },
}
