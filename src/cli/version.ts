import { readFileSync } from 'node:fs'

/** The version of the package. */
export function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const about: unknown = JSON.parse(text)
  if (typeof about !== 'object' || about === null || !('version' in about))
    throw new Error('package.json has no version')
  return String(about.version)
}
