import { inspectLog } from '../../log/lmdb/inspect.js'
import type { RetentionRule } from '../../log/log.js'
import { createProgressLine, paint } from '../terminal.js'
import { bytesText, shareText } from './amounts.js'
import { describeLog } from './describe-log.js'
import type { Finding } from './finding.js'
import { logToJson } from './to-json.js'

export interface ExamineOptions {
  readonly directory: string
  readonly isComplete: boolean
  readonly mapBytes: number
  /** Nothing: those that the log was left with. */
  readonly retention: readonly RetentionRule[] | undefined
}

const phases = {
  retention: 'Counting what the rules govern',
  indexes: 'Comparing the indexes with the events',
} as const

/** `tidings check DIR`. Rejects as `inspectLog`. */
export async function examine({ retention, ...options }: ExamineOptions): Promise<Finding> {
  const line = createProgressLine()
  try {
    const report = await inspectLog(options.directory, {
      ...options,
      retention,
      onProgress: (phase, done, of) => line.say(`${phases[phase]}: ${shareText(done, Math.max(of, 1))}`),
    })
    line.clear()
    if ('needsRecovery' in report) {
      return {
        isFine: false,
        json: { log: report },
        text: `The log in ${report.directory} (${bytesText(report.fileBytes)}) was being written, with async, when the machine stopped.
It cannot be read before a hub has opened it. Opening it gives up what had not reached the disk, which is the end of it,
and begins a new epoch, so that readers who have heard that are told ($gap, rewound).
`,
      }
    }
    const rulesFrom = retention ? 'the rules of the settings' : 'the rules that the log was left with'
    return {
      isFine: !report.agreement || report.agreement.found === 0,
      json: { log: logToJson(report) },
      text: describeLog(report, rulesFrom, Date.now(), (colour, text) => paint(process.stdout, colour, text)),
    }
  } finally {
    line.clear()
  }
}
