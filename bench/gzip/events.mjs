// Data of events as applications send them, JSON of three sizes: a trade, a change of a ticket, an order. The same ones in each run; no two
// are alike, and what differs in them is what differs in life: numbers, names, times, identifiers and some words of text.

const symbols = ['AAPL', 'MSFT', 'GOOG', 'AMZN', 'NVDA', 'TSLA', 'META', 'NFLX', 'INTC', 'ORCL']
const people = ['Mina Kim', 'Jonas Weber', 'Aiko Tanaka', 'Lucas Silva', 'Priya Nair', 'Omar Haddad', 'Sofia Rossi']
const cities = ['Seoul', 'Berlin', 'Tokyo', 'Paris', 'Lagos', 'Lima']
const words = (
  'the order was packed shipped delivered returned customer note address street please call before door left with neighbour ' +
  'invoice paid pending review approved warehouse truck route delay weather traffic team lead updated status comment assigned ' +
  'ticket priority high low'
).split(' ')

/** Numbers from 0 to below 1, the same after the same seed. @param {number} seed */
function numbers(seed) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state / 0x80000000
  }
}

/**
 * The kinds of event, by the size of their data in bytes, about: makes the data of event number `n`.
 *
 * @type {Readonly<Record<string, (seed: number) => (n: number) => string>>}
 */
export const kinds = {
  88: seed => {
    const { pick, whole } = tools(seed)
    return n =>
      JSON.stringify({
        symbol: pick(symbols),
        price: whole(50_000) / 100,
        volume: whole(100_000),
        at: 1_764_000_000_000 + n * 37,
        bid: whole(50_000) / 100,
      })
  },
  200: seed => {
    const { pick, whole, hex, text } = tools(seed)
    return n =>
      JSON.stringify({
        id: hex(12),
        user: pick(people),
        action: pick(['created', 'updated', 'closed']),
        object: `ticket/${whole(99_999)}`,
        at: new Date(1_764_000_000_000 + n * 37_000).toISOString(),
        note: text(60),
      })
  },
  1010: seed => {
    const { pick, whole, hex, text } = tools(seed)
    return n =>
      JSON.stringify({
        id: hex(24),
        customer: { name: pick(people), email: `${hex(8)}@example.com`, city: pick(cities) },
        status: pick(['created', 'paid', 'shipped']),
        placedAt: new Date(1_764_000_000_000 + n * 37_000).toISOString(),
        items: Array.from({ length: 5 }, () => ({
          sku: hex(10),
          title: text(28),
          quantity: 1 + whole(5),
          price: whole(20_000) / 100,
          currency: 'EUR',
        })),
        note: text(260),
      })
  },
}

/** @param {number} seed */
function tools(seed) {
  const next = numbers(seed)
  const whole = (/** @type {number} */ below) => Math.floor(next() * below)
  const pick = (/** @type {readonly string[]} */ list) => list[whole(list.length)] ?? ''
  return {
    whole,
    pick,
    hex: (/** @type {number} */ length) => Array.from({ length }, () => whole(16).toString(16)).join(''),
    text: (/** @type {number} */ length) => {
      let text = ''
      while (text.length < length) text += `${pick(words)} `
      return text.slice(0, length)
    },
  }
}
