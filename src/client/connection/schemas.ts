import { TidingsError } from '../../wire/errors.js'
import { matches, parseSelector } from '../../wire/selector.js'
import { describeIssues, type StandardSchema } from '../../wire/standard-schema.js'
import type { WireEvent } from './transport.js'

/** A schema for each type, topic or selector; the first that is the event's counts. */
export type PayloadSchemas = Readonly<Record<string, StandardSchema>>

/** What such schemas give back. */
export type OutputsOf<Given extends PayloadSchemas> = {
  readonly [Name in keyof Given]: NonNullable<Given[Name]['~standard']['types']>['output']
}

type Checked = { readonly value: unknown } | { readonly error: TidingsError } | undefined

/** What the schema of an event makes of its payload; nothing if it has none. Neither throws nor rejects. */
export type SchemaCheck = (event: WireEvent) => Checked | Promise<Checked>

/** Throws `invalid-selector` at a name with `*` that is no selector. */
export function createCheck(schemas: PayloadSchemas): SchemaCheck {
  const rows = Object.entries(schemas).map(([name, schema]) => ({
    ...{ name, schema },
    selector: name.includes('*') ? parseSelector(name) : undefined,
  }))
  const toChecked = (result: Awaited<ReturnType<StandardSchema['~standard']['validate']>>, name: string): Checked =>
    result.issues ? { error: refused(name, describeIssues(result.issues)) } : { value: result.value }

  return ({ type, topic, data }) => {
    const row = rows.find(
      ({ name, selector }) => name === type || name === topic || (selector && topic !== '' && matches(selector, topic)),
    )
    if (!row) return undefined
    const { name, schema } = row
    const failed = (cause: unknown): Checked => ({ error: refused(name, 'it failed', cause) })
    try {
      const result = schema['~standard'].validate(parse(data))
      return result instanceof Promise
        ? result.then(checked => toChecked(checked, name), failed)
        : toChecked(result, name)
    } catch (error) {
      return failed(error)
    }
  }
}

function refused(name: string, why: string, cause?: unknown): TidingsError {
  return new TidingsError('invalid-event', `Not what the schema of ${JSON.stringify(name)} asks for: ${why}.`, {
    cause,
  })
}

/** What was published: JSON, or else a text. */
function parse(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch (error) {
    if (error instanceof SyntaxError) return data
    throw error
  }
}
