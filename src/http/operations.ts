import type { Hub } from '../hub/hub.js'
import { errorCodes, TidingsError } from '../wire/errors.js'
import { type Answer, jsonAnswer } from './answer.js'
import type { Asset } from './assets.js'
import { parseParameters } from './parameters.js'
import { exactTopic } from './read-request.js'

const maxTopics = 1000
const defaultTopics = 100

/** `GET /healthz`: the process lives, and answers. */
export function answerHealth(): Answer {
  return jsonAnswer({ status: 'ok' })
}

/** `GET /readyz`: the log answers. Throws `draining` or `log-unavailable` while new requests are better sent elsewhere. */
export async function answerReadiness(hub: Hub): Promise<Answer> {
  if (hub.status.draining) throw new TidingsError('draining', 'The hub is shutting down.')
  if (!(await hub.ready())) throw new TidingsError('log-unavailable', 'The log does not answer.')
  return jsonAnswer({ status: 'ready' })
}

/** `GET /topics`: topics by name, from `after` on. */
export async function answerTopics(hub: Hub, query: string): Promise<Answer> {
  const parameters = parseParameters(query, { names: ['after', 'limit'] })
  const limit = parameters.wholeNumber('limit', 1, maxTopics) ?? defaultTopics
  const found = await hub.topics({ after: parameters.one('after'), limit: limit + 1 })
  const topics = found.slice(0, limit)
  return jsonAnswer({ topics, after: topics.at(-1)?.topic ?? null, more: found.length > limit })
}

/** `GET /topics/{topic}`. Throws `not-found` for a topic that holds no event. */
export async function answerTopic(hub: Hub, topic: string, query: string): Promise<Answer> {
  exactTopic(topic)
  parseParameters(query, { names: [] })
  const status = await hub.topic(topic)
  if (!status) throw new TidingsError('not-found', 'The topic holds no event.')
  return jsonAnswer(status)
}

/** `GET /problems`: what the `type` of a problem document leads to. */
export const problemsPage: Asset = {
  type: 'text/html; charset=utf-8',
  isPublic: true,
  body: `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Problems of Tidings</title>
<h1>Problems</h1>
<dl>
${Object.entries(errorCodes)
  .filter(([, [status]]) => status > 0)
  .map(([code, [status, title]]) => `<dt id="${code}"><code>${code}</code> (${status})</dt><dd>${title}</dd>`)
  .join('\n')}
</dl>
</html>
`,
}
