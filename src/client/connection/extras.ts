import type { TidingsError } from '../../wire/errors.js'
import type { CursorStore } from './cursor-store.js'
import { createCursorKeeper } from './cursor-store.js'
import { createCheck, type NamedSchema, type SchemaCheck } from './schemas.js'

/** What only some connections have: schemas, and a place where the cursor is kept. Loaded with them. */
export interface Extras {
  readonly check: SchemaCheck
  keep(cursor: string): void
  /** The cursor that was kept when it was first asked for; empty: none. Does not reject. */
  kept(): Promise<string>
}

interface ExtrasSettings {
  readonly schemas: readonly NamedSchema[] | undefined
  readonly storage?: CursorStore | undefined
  readonly storageKey?: string | undefined
  readonly url: string
}

export function createExtras(
  { schemas = [], storage, url, storageKey = `tidings:${url}` }: ExtrasSettings,
  onError: (error: unknown) => void,
  ErrorClass: typeof TidingsError,
): Extras {
  const keeper = storage && createCursorKeeper(storage, storageKey, onError)
  let kept: Promise<string> | undefined
  return {
    check: createCheck(schemas, ErrorClass),
    keep: cursor => keeper?.keep(cursor),
    async kept() {
      kept ??= keeper?.load()
      return (await kept) ?? ''
    },
  }
}
