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
  | { readonly issues: readonly SchemaIssue[] }

/** One thing that a schema finds wrong. */
export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** Faults named in one error; the others are counted. */
const maxIssues = 5

/** What is wrong, in one line. */
export function describeIssues(issues: readonly SchemaIssue[]): string {
  const shown = issues.slice(0, maxIssues).map(({ message, path }) => {
    const place = path?.map(step => String(typeof step === 'object' ? step.key : step)).join('.')
    return place ? `${place}: ${message}` : message
  })
  const left = issues.length - shown.length
  return shown.join('; ') + (left > 0 ? `; and ${left} more` : '')
}
