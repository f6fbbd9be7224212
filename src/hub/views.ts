import { PastRoom } from './common-past.js'
import { ConflationWindow } from './conflation.js'
import { Matcher } from './matcher.js'
import type { SubscribeRequest } from './request.js'
import { selectionText } from './selection.js'
import type { HubSubscription, HubView } from './subscription.js'
import { View } from './view.js'

/** The views that have members, each once, and which of them a topic concerns. */
export class Views {
  readonly #byName = new Map<string, HubView>()
  readonly #matcher = new Matcher<HubView>()
  readonly #pastRoom = new PastRoom()
  readonly #clock: () => number
  readonly #onWindowEnd: (view: HubView) => void

  constructor(clock: () => number, onWindowEnd: (view: HubView) => void) {
    this.#clock = clock
    this.#onWindowEnd = onWindowEnd
  }

  [Symbol.iterator](): IterableIterator<HubView> {
    return this.#byName.values()
  }

  /** The view of a request, with one member more. */
  enter(request: SubscribeRequest): HubView {
    const { encoding, conflateMs, selectors } = request
    const name = `${encoding.name}\n${conflateMs ?? ''}\n${selectionText(selectors)}`
    let view = this.#byName.get(name)
    if (!view) {
      const window = conflateMs ? new ConflationWindow<HubSubscription>(conflateMs, this.#clock) : undefined
      const made = new View(
        name,
        selectors,
        encoding,
        { isConflated: conflateMs !== undefined, window },
        this.#pastRoom,
      )
      window?.listen(() => this.#onWindowEnd(made))
      this.#byName.set(name, made)
      this.#matcher.add(selectors, made)
      view = made
    }
    view.members++
    return view
  }

  /** One member less; a view without any is forgotten. */
  leave(view: HubView): void {
    if (--view.members > 0) return
    view.window?.close()
    this.#byName.delete(view.name)
    this.#matcher.remove(view.selectors, view)
  }

  match(topic: string, visit: (view: HubView) => void): void {
    this.#matcher.match(topic, visit)
  }
}
