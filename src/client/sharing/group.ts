import type { ReceiverSettings } from '../connection/receiver-settings.js'

/** What members ask for together. */
export interface Group {
  /** Of the lock and the channel. Equal names: the same hub, asked in the same way for the same user. */
  readonly name: string
  /** Those of this member. Empty: what the URL says. */
  readonly topics: readonly string[]
  /** Where these topics are heard. */
  urlOf(topics: readonly string[]): string
  /** The topic of all events of these topics, if it is one; else empty. */
  onlyOf(topics: readonly string[]): string
}

/** Of tabs that speak another way with each other. */
const dialect = 'tidings-1'

export function toGroup(settings: Pick<ReceiverSettings, 'url' | 'withCredentials' | 'onlyTopic'>, name = ''): Group {
  const url = new URL(settings.url)
  const { searchParams } = url
  const topics = [...new Set(searchParams.getAll('topic'))]
  searchParams.delete('topic')
  searchParams.delete('since')
  searchParams.sort()
  const isOfUrl = topics.length === 0
  return {
    name: `${dialect} ${JSON.stringify([name, url.href, settings.withCredentials === true, isOfUrl])}`,
    topics,
    urlOf(all) {
      const asked = new URL(url)
      for (const topic of all) asked.searchParams.append('topic', topic)
      // Behind a cursor that is no good: each member reads by itself what it missed.
      asked.searchParams.set('since', 'now')
      return asked.href
    },
    onlyOf: all => (isOfUrl ? settings.onlyTopic : all.length === 1 && !all[0]?.includes('*') ? (all[0] ?? '') : ''),
  }
}
