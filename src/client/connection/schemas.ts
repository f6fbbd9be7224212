import type { TidingsError } from '../../wire/errors.js'
import { describeIssues, type StandardSchema } from '../../wire/standard-schema.js'
import type { Match } from './match.js'
import type { WireEvent } from './transport.js'

/** A schema for each type, topic or selector; the first that is the event's counts. */
export type PayloadSchemas = Readonly<Record<string, StandardSchema>>

/** What such schemas give back. */
export type OutputsOf<Given extends PayloadSchemas> = {
  readonly [Name in keyof Given]: NonNullable<Given[Name]['~standard']['types']>['output']
}

/** What a schema gave back, or that it refused. */
export type Checked =
  | { readonly value: unknown; readonly error?: undefined }
  | { readonly error: TidingsError }
  | undefined

/** What the schema of an event makes of its payload; nothing if it has none. Neither throws nor rejects. */
export type SchemaCheck = (event: WireEvent) => Checked | Promise<Checked>

export type NamedSchema = readonly [name: string, schema: StandardSchema, isOf: Match]

type Result = Awaited<ReturnType<StandardSchema['~standard']['validate']>>

/** Is loaded only with schemas, and imports nothing that is loaded without, but is given it. */
export function createCheck(schemas: readonly NamedSchema[], ErrorClass: typeof TidingsError): SchemaCheck {
  return event => {
    const found = event.type.startsWith('$') ? undefined : schemas.find(([, , isOf]) => isOf(event))
    if (!found) return undefined
    const [name, schema] = found
    const refused = (why: string, cause?: unknown): Checked => {
      const message = `Not what the schema of ${JSON.stringify(name)} asks for: ${why}.`
      return { error: new ErrorClass('invalid-event', message, { cause }) }
    }
    const toChecked = ({ issues, ...given }: Result): Checked =>
      issues ? refused(describeIssues(issues)) : { value: (given as { readonly value: unknown }).value }
    const failed = (cause: unknown): Checked => refused('it failed', cause)
    try {
      const result = schema['~standard'].validate(parse(event.data))
      return result instanceof Promise ? result.then(toChecked).catch(failed) : toChecked(result)
    } catch (error) {
      return failed(error)
    }
  }
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
