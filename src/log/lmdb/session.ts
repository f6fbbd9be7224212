import { TidingsError } from '../../wire/errors.js'
import type { EpochEntry, Head } from '../log.js'
import { compileRetention, type Retention } from '../retention.js'
import { type Catalog, createCatalog, readHead } from './catalog.js'
import { toReadError, toTidingsError } from './fault.js'
import { tableBytes } from './file-pages.js'
import { decodeRule, type HeadRecord, metaKeys, noValue, ruleKey, type Store } from './layout.js'
import { Ledger } from './ledger.js'
import { leftRules } from './rules.js'
import type { Transact } from './transact.js'

/** What the parts of an open log share. */
export interface Session {
  readonly name: string
  readonly store: Store
  readonly catalog: Catalog
  /**
   * The rules that hold, as the log itself has them: they change with a transaction, also one of another process. Inside `read`
   * or `write`.
   */
  readonly retention: Retention
  readonly clock: () => number
  /** Nothing is taken on any more: `read` throws `log-unavailable`; `write` still works, for what was taken on before. */
  readonly closed: boolean
  /** Reads one snapshot, the newest. `job` does not wait for anything, so no read transaction outlives it. */
  read<T>(job: (head: HeadRecord) => T): T
  /** Changes all or nothing. What resolves is visible, and flushed if the durability says so. Rejects with a `TidingsError`. */
  write<T>(job: (ledger: Ledger) => T): Promise<T>
  /** The head as the port has it. Inside `read` or `write`. */
  toHead(head: HeadRecord): Head
  /** The floors as `Retention.floorFor` takes them. Inside `read` or `write`. */
  floors(): number[]
  /** Bytes of the pages that hold something, also after `close`. */
  usedBytes(): number
  /** Throws `log-unavailable` after `close`. */
  checkOpen(): void
  close(): void
}

export function createSession(options: {
  readonly name: string
  /** Where the files are. */
  readonly directory: string
  readonly store: Store
  readonly clock: () => number
  readonly transact: Transact
}): Session {
  const { name, directory, store, clock, transact } = options
  const catalog = createCatalog(store)
  let closed = false
  let epochsAsRead: Buffer = Buffer.alloc(0)
  let epochs: readonly EpochEntry[] = []
  let rulesAsRead: Buffer | undefined
  let rules = compileRetention([])

  function checkOpen(): void {
    if (closed) throw new TidingsError('log-unavailable', `${name} is closed.`)
  }

  function read<T>(job: (head: HeadRecord) => T): T {
    checkOpen()
    try {
      // lmdb-js keeps one read transaction a turn of the event loop; begun anew, it sees what was committed meanwhile, by
      // other processes too. Measured: 5 to 15 µs.
      store.root.resetReadTxn()
      return job(readHead(store))
    } catch (error) {
      throw toReadError(error, name)
    }
  }

  async function write<T>(job: (ledger: Ledger) => T): Promise<T> {
    try {
      return await transact(() => {
        const ledger = new Ledger(store, catalog, readRules())
        const result = job(ledger)
        ledger.save()
        return result
      })
    } catch (error) {
      throw await toTidingsError(error, name, directory)
    }
  }

  function readEpochs(): readonly EpochEntry[] {
    const value = store.meta.get(metaKeys.epochs)
    if (!value) throw new TidingsError('log-corrupt', `${name} is damaged: it has no table of epochs.`)
    if (!value.equals(epochsAsRead)) {
      epochs = parseEpochs(value)
      epochsAsRead = value
    }
    return epochs
  }

  function readRules(): Retention {
    const value = store.meta.get(metaKeys.rules) ?? noValue
    if (!rulesAsRead?.equals(value)) {
      rules = compileRetention(leftRules(store))
      rulesAsRead = value
    }
    return rules
  }

  return {
    name,
    store,
    catalog,
    get retention() {
      return readRules()
    },
    clock,
    get closed() {
      return closed
    },
    read,
    write,
    toHead: head => ({ offset: head.offset, time: head.time, epochs: readEpochs() }),
    floors: () =>
      Array.from({ length: readRules().rules.length + 1 }, (_, i) => {
        const value = store.meta.get(ruleKey(i))
        return value ? decodeRule(value).floor : 0
      }),
    usedBytes() {
      store.root.resetReadTxn()
      return tableBytes(store)
    },
    checkOpen,
    close() {
      closed = true
    },
  }
}

export function parseEpochs(value: Buffer): readonly EpochEntry[] {
  const epochs: readonly EpochEntry[] = JSON.parse(value.toString())
  return epochs
}
