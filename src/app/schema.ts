import { TidingsError } from '../wire/errors.js'
import { matches, parseSelector, type Selector } from '../wire/selector.js'
import { describeIssues, type StandardSchema } from '../wire/standard-schema.js'

export type { StandardSchema }

/** A schema for each topic or selector; the first that selects a topic counts. */
export type Schemas = Readonly<Record<string, StandardSchema>>

/** What may be published by such schemas. */
export type InputsOf<Given extends Schemas> = {
  readonly [Name in keyof Given]: NonNullable<Given[Name]['~standard']['types']>['input']
}

/** Checks what is published. Throws `invalid-selector` at a name that is none, and `invalid-setting` at a schema that is none. */
export class SchemaTable {
  readonly #rows: readonly { readonly selector: Selector; readonly schema: StandardSchema }[]

  constructor(schemas: Schemas) {
    if (typeof schemas !== 'object' || schemas === null || Array.isArray(schemas) || '~standard' in schemas) {
      throw new TidingsError(
        'invalid-setting',
        'schemas is an object with a schema for each topic or selector, such as { "orders/*": schema }.',
      )
    }
    this.#rows = Object.entries(schemas).map(([name, schema]) => {
      if (typeof schema?.['~standard']?.validate === 'function') return { selector: parseSelector(name), schema }
      throw new TidingsError('invalid-setting', `schemas[${JSON.stringify(name)}] is no Standard Schema.`)
    })
  }

  /** What is to be published, as its schema gives it back; as it is where none is for the topic. Rejects with `invalid-event`. */
  async check(topic: string, value: unknown): Promise<unknown> {
    const row = this.#rows.find(({ selector }) => matches(selector, topic))
    if (!row) return value
    const result = await row.schema['~standard'].validate(value)
    if (result.issues === undefined) return result.value
    throw new TidingsError(
      'invalid-event',
      `Not what the schema of ${JSON.stringify(row.selector.text)} asks for: ${describeIssues(result.issues)}.`,
    )
  }
}
