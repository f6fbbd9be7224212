import type { ConnectOptions } from '../client/connection/options.js'

/** What says which connection it is. Two that say the same are one. */
export function toKey(url: string | URL, options: ConnectOptions, key: string | undefined): string {
  // Who is told of things makes no other connection.
  const said = Object.entries(options).filter(([name]) => !/^on[A-Z]/.test(name))
  return JSON.stringify([key, url, toComparable(Object.fromEntries(said), 2)])
}

/**
 * A value by what it holds, in an order that does not depend on how it was written. What cannot be compared so, such as a function, which is another
 * one with each render, counts as being there.
 */
function toComparable(value: unknown, depth: number): unknown {
  if (value instanceof URL) return value.href
  if (value instanceof Uint8Array) return [...value]
  if (Array.isArray(value)) return value.map(item => toComparable(item, depth - 1))
  if (typeof value === 'number' || typeof value === 'bigint') return `${typeof value} ${value}`
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? [[]] : value
  if (depth === 0 || Object.getPrototypeOf(value) !== Object.prototype) return [[]]
  return Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, item]) => [name, toComparable(item, depth - 1)])
}
