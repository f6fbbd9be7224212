import type { Hubs } from '../hubs.js'
import type { Heard, Listening, Transport } from '../transport.js'

/** What every transport is held to. */
export interface Case {
  readonly title: string
  run(scene: Scene): Promise<void>
}

export interface Scene {
  readonly transport: Transport
  readonly hubs: Hubs
  /** A topic that no other case or transport knows. */
  readonly topic: string
  /** `transport.open`, whose reader is let go when the case is over. */
  open(url: string, ask: Parameters<Transport['open']>[1]): Promise<Listening>
}

/** The next so many of what is heard; fewer if no more can come. */
export async function hear(listening: Listening, count: number): Promise<readonly Heard[]> {
  const heard: Heard[] = []
  while (heard.length < count) {
    const { value } = await listening.next()
    if (!value) break
    heard.push(value)
  }
  return heard
}

/** All up to the first that `is` holds for, with it; fewer if no more can come. */
export async function hearUntil(listening: Listening, is: (heard: Heard) => boolean): Promise<readonly Heard[]> {
  const heard: Heard[] = []
  for await (const event of listening) {
    heard.push(event)
    if (is(event)) break
  }
  return heard
}

export async function dataOf(listening: Listening, count: number): Promise<readonly string[]> {
  return (await hear(listening, count)).map(({ data }) => data)
}

/** `count` texts, of one and more bytes a character, so that a cut falls into characters too. */
export function texts(count: number, prefix = ''): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i} 소식 🎉`)
}
