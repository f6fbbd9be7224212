import type { Certificate } from '../../../http/certificate.js'
import type { Listening } from '../../../http/server.js'
import type { Settings } from '../../settings/settings.js'

/** By what a worker serves. The certificate is not in the settings, of which all may be shown. */
export interface Terms {
  readonly settings: Settings
  readonly certificate?: Certificate | undefined
}

/** By which a worker knows itself: process managers start programs with `node:cluster` too. */
export const workerWord = 'as-worker'

/** What the primary tells a worker. */
export type Order =
  /** The first one: what the worker is. */
  | ({ readonly kind: 'begin'; readonly index: number } & Terms)
  /** Let the readers go, and end. */
  | { readonly kind: 'drain' }
  /** These hold from now on. */
  | ({ readonly kind: 'reconfigure' } & Terms)
  | { readonly kind: 'question'; readonly id: number; readonly question: Question }
  | { readonly kind: 'answer'; readonly id: number; readonly answers: readonly unknown[] }

/** What a worker tells the primary. */
export type Word =
  /** The first one, without which it would miss the first order: `node:cluster` drops what comes before anybody listens. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'listening'; readonly listening: Listening }
  /** How it went: the last word before it ends. */
  | { readonly kind: 'drained'; readonly letGo: number; readonly destroyed: number }
  | { readonly kind: 'left'; readonly subscriptions: number }
  | { readonly kind: 'question'; readonly id: number; readonly question: Question }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }

/** What is known only by all workers together. */
export type Question =
  /** The figures of each, the one that asks included, as the registry of `prom-client` has them. */
  | { readonly kind: 'figures' }
  /** How many subscriptions of each of the others hear these topics. */
  | { readonly kind: 'subscribers'; readonly topics: readonly string[] }
