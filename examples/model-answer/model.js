// Stands in for the service of a language model: the request and the answer have the form that public services have made common.
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { openStream } from 'tidings'

const msPerWord = 60
const opinion = `

An answer takes longer than many a connection lasts. The train enters a tunnel, the lid of the laptop closes, somebody presses reload. If the answer lives in the connection, it dies with it, and whoever paid for the words pays for them again.

Here each word goes into a log first, and from there to whoever reads. A reader who was cut off says which word was the last, and is given the next one. A second reader may begin with the first. While nobody reads, the words still come, for the one who finds them does not know who listens.

And when somebody has read enough, a button says so, and the work ends at once: that is another thing than closing the page. 끝.`

/**
 * `POST /v1/chat/completions`, with `stream` or without.
 *
 * @type {import('express').RequestHandler}
 */
export const chatCompletions = async (req, res) => {
  const { messages, stream } = req.body ?? {}
  const question = String(messages?.at?.(-1)?.content ?? '')
  const words = `You asked: ${question} I am no model, I only stand in for one, and always say the same.${opinion}`
  const tokens = words.match(/\s*\S+/g) ?? []
  const about = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: 'stand-in' }
  if (!stream) {
    const choices = [{ index: 0, message: { role: 'assistant', content: words }, finish_reason: 'stop' }]
    return void res.json({ ...about, object: 'chat.completion', choices })
  }
  const answer = openStream(req, res, { end: '[DONE]', failure: false })
  await answer.from(chunks(about, tokens, /\bfail\b/i.test(question), answer.signal))
}

/**
 * @param {object} about
 * @param {readonly string[]} tokens
 * @param {boolean} fails Half-way.
 * @param {AbortSignal} signal
 */
async function* chunks(about, tokens, fails, signal) {
  const chunk = (/** @type {object} */ delta, /** @type {string | null} */ finish_reason = null) => ({
    data: { ...about, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] },
  })
  yield chunk({ role: 'assistant', content: '' })
  for (const [i, content] of tokens.entries()) {
    if (fails && i === 30) throw new Error('The stand-in was asked to fail.')
    await wait(msPerWord, undefined, { signal })
    yield chunk({ content })
  }
  yield chunk({}, 'stop')
}
