/** A bound that many share: what one takes, others cannot have until it is given back. */
export class Budget {
  /** Below what is taken, nothing more is, until enough was given back. */
  most: number
  #taken = 0

  constructor(most: number) {
    this.most = most
  }

  get taken(): number {
    return this.#taken
  }

  /** Whether there was so much left; if not, nothing is taken. */
  take(amount: number): boolean {
    if (this.#taken + amount > this.most) return false
    this.#taken += amount
    return true
  }

  give(amount: number): void {
    this.#taken -= amount
  }
}
