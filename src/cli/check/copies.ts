import { rmSync } from 'node:fs'
import { backupLog } from '../../log/lmdb/backup.js'
import type { CopyOptions } from '../../log/lmdb/copy.js'
import { restoreLog } from '../../log/lmdb/restore.js'
import { report } from '../report.js'
import { onStopSignals } from '../stop-signals.js'
import { createProgressLine } from '../terminal.js'
import { bytesText, countOf, shareText, timeText } from './amounts.js'
import type { Finding } from './finding.js'

/** `tidings check --backup TO`. Rejects as `backupLog`. */
export async function backUp(directory: string, to: string): Promise<Finding> {
  const backup = await watched(options => backupLog(directory, to, options))
  const { events, headOffset, newestTime, bytes, grownBytes } = backup
  const newest = newestTime === 0 ? '' : `, the newest of ${timeText(newestTime, Date.now())}`
  const grown =
    grownBytes === 0
      ? ''
      : `While it was copied, the file of the log grew by ${bytesText(grownBytes)}, room that it uses again.\n`
  return {
    isFine: true,
    json: { backup },
    text: `Backed up to ${backup.directory}: ${countOf(events, 'event')} up to offset ${headOffset}${newest}; ${bytesText(bytes)}.
Compared with itself, and on the disk.
${grown}`,
  }
}

/** `tidings check --restore FROM`. Rejects as `restoreLog`. */
export async function restore(from: string, directory: string, replaces: boolean): Promise<Finding> {
  const restored = await watched(options => restoreLog(from, directory, { ...options, replaces }))
  const { events, headOffset, epochs, replaced } = restored
  const kept =
    replaced === undefined ? '' : `The log that was there is in ${replaced}; delete it when nobody needs it.\n`
  return {
    isFine: true,
    json: { restored },
    text: `Restored to ${restored.directory}: ${countOf(events, 'event')} up to offset ${headOffset}, in the new epoch ${epochs.at(-1)?.epoch}.
Readers who have heard more than that are told so ($gap, rewound).
${kept}`,
  }
}

/** With a progress line, and taking away what is unfinished when the process is asked to end. */
async function watched<T>(copy: (options: CopyOptions) => Promise<T>): Promise<T> {
  const line = createProgressLine()
  let unfinished: string | undefined
  const stop = (signal: NodeJS.Signals): void => {
    leave()
    line.clear()
    if (unfinished !== undefined) rmSync(unfinished, { recursive: true, force: true })
    report(`${signal}: ended; nothing was kept.`)
    // As the signal would have done: LMDB goes on to copy in a thread, for which an exit would wait.
    process.kill(process.pid, signal)
  }
  const leave = onStopSignals(stop, stop)
  try {
    return await copy({
      onBegin: path => {
        unfinished = path
      },
      onProgress: (phase, done, of) => {
        const what = phase === 'copying' ? 'Copying' : 'Comparing the copy with itself'
        line.say(`${what}: ${shareText(done, Math.max(of, 1))}`)
      },
    })
  } finally {
    leave()
    line.clear()
  }
}
