import { createParser } from 'tidings/wire'

/**
 * Asks the service of a model, and gives what it says token by token, in whatever pieces it comes. Throws if it refuses, or breaks off: a
 * whole answer ends with `[DONE]`.
 *
 * @param {{ url: string, key: string, model: string }} service
 * @param {string} question
 * @param {AbortSignal} signal
 */
export async function* ask({ url, key, model }, question, signal) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(key && { Authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: question }] }),
    signal,
  })
  if (!response.ok || !response.body) throw new Error(`The model's service answered ${response.status}.`)
  /** @type {string[]} */
  const said = []
  const parser = createParser({ onEvent: ({ data }) => said.push(data) })
  for await (const bytes of response.body) {
    parser.push(bytes)
    for (const data of said.splice(0)) {
      if (data === '[DONE]') return
      const text = JSON.parse(data).choices?.[0]?.delta?.content
      if (text) yield { type: 'token', data: { text } }
    }
  }
  throw new Error("The model's service broke off.")
}
