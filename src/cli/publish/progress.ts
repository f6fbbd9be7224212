import { showDuration } from '../hub-client/duration-flag.js'
import { report } from '../report.js'
import { createProgressLine, isTerminal } from '../terminal.js'
import type { LinesTally } from './publish-lines.js'

/** What people at a terminal see while lines are published. Elsewhere only what is told is written. */
export interface Progress {
  /** Writes a message, which stays. */
  readonly tell: (message: string) => void
  readonly published: (count: number) => void
  /** Says at the end what became of all. */
  summarize(tally: LinesTally): void
  /** Takes the moving line away. */
  end(): void
}

const refreshMs = 250
/** The rate is that of about so long. */
const rateMs = 1_000

const numbers = new Intl.NumberFormat('en')

/** `isMoving`: whether there may be a line that moves. `awaySince`: since when the hub has not answered, if it does not. */
export function createProgress(isMoving: boolean, awaySince: () => number | undefined): Progress {
  const line = createProgressLine()
  const startedAt = performance.now()
  let published = 0
  let sample = { at: startedAt, published: 0 }
  let rate = 0

  const show = (): void => {
    const now = performance.now()
    if (now - sample.at >= rateMs) {
      rate = ((published - sample.published) * 1000) / (now - sample.at)
      sample = { at: now, published }
    }
    const since = awaySince()
    const waiting =
      since === undefined || now - since < rateMs ? '' : ` · waiting for the hub for ${showDuration(now - since)}`
    line.say(`${numbers.format(published)} published · ${numbers.format(Math.round(rate))}/s${waiting}`)
  }
  const timer = isMoving && isTerminal(process.stderr) ? setInterval(show, refreshMs) : undefined

  return {
    tell(message) {
      line.clear()
      report(message)
    },
    published(count) {
      published += count
    },
    summarize({ refused }) {
      line.clear()
      if (!isTerminal(process.stderr)) return
      const also = refused > 0 ? `, ${numbers.format(refused)} refused` : ''
      report(`${numbers.format(published)} published${also} in ${showDuration(performance.now() - startedAt)}.`)
    },
    end() {
      clearInterval(timer)
      line.clear()
    },
  }
}
