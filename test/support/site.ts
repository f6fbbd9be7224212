import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const script = fileURLToPath(new URL('../../scripts/docs.mjs', import.meta.url))

/** The folder of all documents. */
export const docs: string = fileURLToPath(new URL('../../docs', import.meta.url))

/** Makes the site of the pages in `from`. Rejects with what the script said. */
export async function makeSite(from: string, to: string): Promise<void> {
  await promisify(execFile)(process.execPath, [script, from, to])
}
