/** A value, or who gives it: asked each time anew. */
export type Given<T> = T | (() => T | Promise<T>)

/** Headers with the token among them. Rejects with what giving them rejects with. */
export async function toHeaders(
  headers: Given<Readonly<Record<string, string>>> | undefined,
  token: Given<string | undefined> | undefined,
): Promise<Record<string, string>> {
  const bearer = await ask(token)
  return { ...(await ask(headers)), ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }) }
}

function ask<T>(given: Given<T> | undefined): T | undefined | Promise<T> {
  return typeof given === 'function' ? (given as () => T | Promise<T>)() : given
}
