import { TidingsError } from '../wire/errors.js'
import { matches, parseSelector, type Selector } from '../wire/selector.js'

/** What libraries of schemas have in common (Standard Schema, version 1): zod, valibot, arktype and others. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] }

interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** A schema for each topic or selector; the first that selects a topic counts. */
export type Schemas = Readonly<Record<string, StandardSchema>>

/** What may be published by such schemas. */
export type InputsOf<Given extends Schemas> = {
  readonly [Name in keyof Given]: NonNullable<Given[Name]['~standard']['types']>['input']
}

/** Faults named in one error; the others are counted. */
const maxIssues = 5

/** Checks what is published. Throws `invalid-selector` at a name that is none. */
export class SchemaTable {
  readonly #rows: readonly { readonly selector: Selector; readonly schema: StandardSchema }[]

  constructor(schemas: Schemas) {
    this.#rows = Object.entries(schemas).map(([name, schema]) => ({ selector: parseSelector(name), schema }))
  }

  /** What is to be published, as its schema gives it back; as it is where none is for the topic. Rejects with `invalid-event`. */
  async check(topic: string, value: unknown): Promise<unknown> {
    const row = this.#rows.find(({ selector }) => matches(selector, topic))
    if (!row) return value
    const result = await row.schema['~standard'].validate(value)
    if (result.issues === undefined) return result.value
    throw new TidingsError(
      'invalid-event',
      `Not what the schema of ${JSON.stringify(row.selector.text)} asks for: ${told(result.issues)}.`,
    )
  }
}

function told(issues: readonly Issue[]): string {
  const shown = issues.slice(0, maxIssues).map(({ message, path }) => {
    const place = path?.map(step => String(typeof step === 'object' ? step.key : step)).join('.')
    return place ? `${place}: ${message}` : message
  })
  const left = issues.length - shown.length
  return shown.join('; ') + (left > 0 ? `; and ${left} more` : '')
}
