/** Topics, or selectors of topics, and what is said on each. Default: any topic, any JSON. */
export type AnyTopics = Readonly<Record<string, unknown>>

/** The topics that a selector selects, as far as the type of a text can say it: `*` and `**` stand for any text. */
type Selected<Selector extends string> = Selector extends `${infer Head}/**`
  ? Head | `${Head}/${string}`
  : Selector extends `${infer Head}*${infer Tail}`
    ? `${Head}${string}${Selected<Tail>}`
    : Selector

type Names<Topics> = keyof Topics & string

/** What may be published to: the topics themselves, and those that the selectors among them select. */
export type TopicOf<Topics> = Selected<Names<Topics>>

/** What is said on a topic: by its own name, else by the selectors that select it. */
export type PayloadOf<Topics, Topic extends string> =
  Topic extends Names<Topics>
    ? Topics[Topic]
    : { [Name in Names<Topics>]: Topic extends Selected<Name> ? Topics[Name] : never }[Names<Topics>]

/** What a selector may bring: of one that is none of `Topics` and no topic, anything. */
export type HeardOf<Topics, Selector extends string> =
  Selector extends Names<Topics>
    ? Topics[Selector]
    : [PayloadOf<Topics, Selector>] extends [never]
      ? Topics[Names<Topics>]
      : PayloadOf<Topics, Selector>
