import type { Packing } from './sink.js'

/** What is remembered of it: twice as much makes orders of a kilobyte 3 % smaller, and takes twice the time. */
const maxTextBytes = 8 * 1024
/** In so many turns everybody begins again, so that whoever has come meanwhile is in step. It costs a sixtieth of what the past saves. */
const maxTurns = 64
/** A past of one reader alone would be memory for each of them. */
const leastMembers = 2
/** Views that have a past at the same time, which is 4 MiB of text. */
const maxPasts = 512

/** Room for the pasts of a hub's views. */
export class PastRoom {
  #left: number = maxPasts

  take(): boolean {
    if (this.#left === 0) return false
    this.#left--
    return true
  }

  give(): void {
    this.#left++
  }
}

/** Who hears with others. */
export interface Walker {
  /** The step in which it was last written to with others; 0: something else was written since. */
  step: number
}

/**
 * What the live members of a view were last given, all of them the same, and nothing else behind it: what comes next can be packed after that,
 * into far fewer bytes than by itself.
 *
 * Members to whom anything was written alone, such as a heartbeat, are out of step, and are given what stands alone, until all begin
 * again. All that is in a past was written to each of those who are given what refers to it.
 */
export class CommonPast {
  readonly #room: PastRoom
  /** Of the members in step; never that of another past, nor of this one before it began again. */
  step = 0
  #text: Uint8Array | undefined
  #turns = 0
  /** What was written to those out of step, one for each turn, since all began. */
  #strays = 0

  constructor(room: PastRoom) {
    this.#room = room
  }

  /**
   * Takes `frames`, which are about to be given to all of `members`. What those are given that are in step; nothing: all are given
   * what stands alone, and are in step then if `step` is above 0.
   */
  pack(members: readonly Walker[], frames: Uint8Array, packing: Packing): Uint8Array | undefined {
    if (members.length < leastMembers) {
      this.forget()
      return undefined
    }
    let strays = 0
    for (const member of members) if (member.step !== this.step) strays++
    this.#strays += strays
    // As soon as it costs no more: what those out of step have cost so far, all of them cost now.
    const isWorthIt = strays < members.length && this.#strays < members.length && this.#turns < maxTurns
    const text = this.#text
    const packed = text && isWorthIt ? packing.packAfter(text, frames) : undefined
    if (!packed) {
      this.#beginAgain(frames)
      return undefined
    }
    this.#turns++
    this.#text = lastOf(text as Uint8Array, frames)
    return packed
  }

  /** Remembers nothing, and nobody is in step. */
  forget(): void {
    if (this.#text) this.#room.give()
    this.#text = undefined
    this.step = 0
  }

  #beginAgain(frames: Uint8Array): void {
    if (!this.#text && !this.#room.take()) return
    this.step = ++steps
    this.#turns = 0
    this.#strays = 0
    this.#text = lastOf(frames)
  }
}

let steps = 0

/** The last bytes of these, in memory of their own. */
function lastOf(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.from(Buffer.concat(parts).subarray(-maxTextBytes))
}
