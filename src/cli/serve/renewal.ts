import type { Certificate } from '../../http/certificate.js'
import { TidingsError } from '../../wire/errors.js'
import type { Logger } from '../logger.js'
import { type FiledCertificate, warnUnlessItHolds } from './certificate.js'

/** How often files are looked at. Both are small, and mostly in the system's cache: a look takes a fifth of a millisecond. */
const lookMs = 10_000

export interface RenewalOptions {
  /** As the files have it now; `before`, if they say the same. Rejects if they are not good. */
  load(before: FiledCertificate): Promise<FiledCertificate | undefined>
  /** Shows it to whoever connects from now on. */
  show(certificate: Certificate): void
  readonly logger: Logger
  /** Default: ten seconds. */
  readonly intervalMs?: number
}

/**
 * Has the hub show the certificate that its files have. Whoever renews them replaces one file after the other, or a link to both, or a
 * link to the directory of that: so what they say is compared, again and again, and nothing is asked of the file system about changes.
 *
 * What is not good is told once, and not shown.
 */
export class Renewal {
  readonly #options: RenewalOptions
  readonly #timer: NodeJS.Timeout
  #filed: FiledCertificate
  #isLooking = false
  /** What was told to be wrong with the files as they are. */
  #told: string | undefined
  #isExpired: boolean

  /** @param filed What is shown. */
  constructor(filed: FiledCertificate, options: RenewalOptions) {
    this.#options = options
    this.#filed = filed
    this.#isExpired = isOver(filed)
    this.#timer = setInterval(() => void this.look(), options.intervalMs ?? lookMs).unref()
  }

  get filed(): FiledCertificate {
    return this.#filed
  }

  /** Somebody else has it shown already. */
  take(filed: FiledCertificate): void {
    this.#filed = filed
    this.#told = undefined
    this.#isExpired = isOver(filed)
    warnUnlessItHolds(this.#options.logger, filed.facts)
  }

  /** Looks now. Never rejects. */
  async look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      await this.#look()
    } catch (error) {
      this.#tell(error)
    } finally {
      this.#isLooking = false
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    const { load, show, logger } = this.#options
    const before = this.#filed
    const filed = await load(before)
    // Meanwhile somebody else may have taken another one.
    if (!filed || this.#filed !== before) return
    this.#told = undefined
    if (filed === before) {
      if (!this.#isExpired && isOver(filed)) this.take(filed)
      return
    }
    show(filed.certificate)
    const validTo = new Date(filed.facts.validTo).toISOString()
    logger.info({ validTo }, `The certificate is another one now, good until ${validTo}.`)
    this.take(filed)
  }

  #tell(error: unknown): void {
    const why = error instanceof TidingsError ? error.message : String(error)
    if (why === this.#told) return
    this.#told = why
    const { logger } = this.#options
    logger.warn({ err: error }, `The files of the certificate are not good now; the one before is still shown. ${why}`)
  }
}

function isOver({ facts }: FiledCertificate): boolean {
  return facts.validTo < Date.now()
}
