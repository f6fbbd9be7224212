// What the hub says when it refuses.

/** @typedef {{ code: string, detail: string }} Problem */

/**
 * The problem document of an answer, or what can be said of an answer that is none: a proxy's page, perhaps.
 *
 * @param {Response} response
 * @returns {Promise<Problem>}
 */
export async function toProblem(response) {
  const detail = `The answer was ${response.status} ${response.statusText}`.trimEnd()
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) return { code: '', detail }
  const problem = await response.json()
  return { code: String(problem.code ?? ''), detail: String(problem.detail ?? detail) }
}

/**
 * Whether `error` says that the hub was not reached, or the connection was cut: browsers differ in how they say so.
 *
 * @param {unknown} error
 */
export function isCut(error) {
  return error instanceof TypeError || error instanceof DOMException
}
