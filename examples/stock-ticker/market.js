/** @typedef {{ symbol: string, price: number, updates: number }} Stock */

/**
 * Stocks that nobody can buy, with names of three letters.
 *
 * @param {number} count At most 510.
 * @returns {readonly Stock[]}
 */
export function listStocks(count) {
  const symbols = [...'BCDFGHKLMNPRSTVWZ'].flatMap(first =>
    [...'AEIOU'].flatMap(second => [...'LMNRST'].map(third => first + second + third)),
  )
  return symbols.slice(0, count).map(symbol => ({ symbol, price: 20 + Math.random() * 480, updates: 0 }))
}

/**
 * Moves one after the other, each `perSecond` times a second, and calls `onUpdate` for it. It goes by the clock in rounds between which
 * others have their turn: on a machine that is too busy, less is moved, and the hub stays awake for its readers.
 *
 * @param {readonly Stock[]} stocks
 * @param {number} perSecond
 * @param {(stock: Stock) => void} onUpdate
 */
export function openMarket(stocks, perSecond, onUpdate) {
  const perMs = (stocks.length * perSecond) / 1_000
  const market = { isPaused: false, close: () => clearInterval(rounds) }
  let next = 0
  let toldMs = performance.now()
  const rounds = setInterval(() => {
    const now = performance.now()
    const due = Math.min(stocks.length, Math.floor((now - toldMs) * perMs))
    toldMs = due === stocks.length ? now : toldMs + due / perMs
    for (let i = 0; i < due && !market.isPaused; i++) {
      const stock = stocks[next++ % stocks.length]
      if (!stock) return
      stock.price = Math.max(1, stock.price * (1 + (Math.random() - 0.5) / 250))
      stock.updates++
      onUpdate(stock)
    }
  }, 10)
  return market
}
