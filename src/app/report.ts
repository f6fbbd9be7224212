import { optionalFunction } from '../log/settings.js'

/** Is told what happens that nobody who asked can be told of. */
export type Report = (message: string, error?: unknown) => void

/** The application's own, or the console. Throws `invalid-setting` if it is no function. */
export function toReport(report: Report | undefined): Report {
  return (
    optionalFunction('report', report) ??
    ((message, error) => console.error('tidings:', message, ...(error === undefined ? [] : [error])))
  )
}
