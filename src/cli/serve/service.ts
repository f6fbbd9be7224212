import type { Certificate } from '../../http/certificate.js'
import type { Listening } from '../../http/server.js'
import type { Settings } from '../settings/settings.js'
import type { Ending } from './drain.js'

/** What serves the readers: a hub in this process, or several in others. */
export interface Service extends Pick<Ending, 'subscriptions' | 'drain' | 'stopNow'> {
  readonly listening: Listening
  /** These hold from now on, as far as they can while it serves. */
  reconfigure(settings: Settings, certificate: Certificate | undefined): void
  /** Feeds the topics of the demo, if the settings say so, until the function that it returns is called. */
  feed(): () => void
  close(): Promise<void>
}
