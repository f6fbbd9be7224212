import type { Selector } from '../wire/selector.js'

interface Node<T> {
  readonly children: Map<string, Node<T>>
  star: Node<T> | undefined
  /** Whose selector ends here. */
  readonly here: Set<T>
  /** Whose selector ends in `**` here. */
  readonly rest: Set<T>
}

function createNode<T>(): Node<T> {
  return { children: new Map(), star: undefined, here: new Set(), rest: new Set() }
}

/**
 * Finds who selects a topic. Exact topics are one look-up; globs are a tree of segments, of which only the branches that the
 * topic fits are walked, so those that do not match cost nothing.
 */
export class Matcher<T> {
  readonly #exact = new Map<string, Set<T>>()
  readonly #root: Node<T> = createNode()

  add(selectors: readonly Selector[], member: T): void {
    for (const selector of selectors) {
      if (!selector.glob) {
        const members = this.#exact.get(selector.text)
        if (members) members.add(member)
        else this.#exact.set(selector.text, new Set([member]))
        continue
      }
      let node = this.#root
      let isRest = false
      for (const segment of selector.glob) {
        if (segment === '**') {
          isRest = true
        } else if (segment === '*') {
          node.star ??= createNode()
          node = node.star
        } else {
          let child = node.children.get(segment)
          if (!child) {
            child = createNode()
            node.children.set(segment, child)
          }
          node = child
        }
      }
      ;(isRest ? node.rest : node.here).add(member)
    }
  }

  /** Undoes `add` with the same selectors, and prunes the branches that nobody needs. */
  remove(selectors: readonly Selector[], member: T): void {
    for (const selector of selectors) {
      if (selector.glob) {
        this.#prune(this.#root, selector.glob, 0, member)
        continue
      }
      const members = this.#exact.get(selector.text)
      members?.delete(member)
      if (members?.size === 0) this.#exact.delete(selector.text)
    }
  }

  /** Calls `visit` for each member that selects `topic`; for one that does so by several selectors, once each. */
  match(topic: string, visit: (member: T) => void): void {
    const exact = this.#exact.get(topic)
    if (exact) for (const member of exact) visit(member)
    const root = this.#root
    if (root.children.size === 0 && !root.star && root.rest.size === 0) return
    this.#walk(root, topic, 0, visit)
  }

  #walk(node: Node<T>, topic: string, from: number, visit: (member: T) => void): void {
    // A wildcard in the first segment does not match a topic of the hub.
    const isHubs = from === 0 && topic.startsWith('$')
    if (!isHubs) for (const member of node.rest) visit(member)
    if (from > topic.length) {
      for (const member of node.here) visit(member)
      return
    }
    const slash = topic.indexOf('/', from)
    const to = slash < 0 ? topic.length : slash
    if (node.children.size > 0) {
      const child = node.children.get(topic.slice(from, to))
      if (child) this.#walk(child, topic, to + 1, visit)
    }
    if (node.star && !isHubs) this.#walk(node.star, topic, to + 1, visit)
  }

  /** Whether the node is empty afterwards. */
  #prune(node: Node<T>, glob: readonly string[], depth: number, member: T): boolean {
    const segment = glob[depth]
    if (segment === undefined) node.here.delete(member)
    else if (segment === '**') node.rest.delete(member)
    else if (segment === '*') {
      if (node.star && this.#prune(node.star, glob, depth + 1, member)) node.star = undefined
    } else {
      const child = node.children.get(segment)
      if (child && this.#prune(child, glob, depth + 1, member)) node.children.delete(segment)
    }
    return node.children.size === 0 && !node.star && node.here.size === 0 && node.rest.size === 0
  }
}
