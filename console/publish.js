// The form that publishes an event.

import { element, make } from './elements.js'
import { isCut, toProblem } from './problem.js'

/** @typedef {import('./problem.js').Problem} Problem */

const giveUpMs = 30_000

const fields = {
  topic: element('topic', HTMLInputElement),
  type: element('type', HTMLInputElement),
  key: element('key', HTMLInputElement),
  data: element('data', HTMLTextAreaElement),
}

/** Makes the form do what it promises: publish, and say in place what became of it. */
export function enablePublishing() {
  const form = element('publish', HTMLFormElement)
  const answer = element('answer', HTMLElement)
  const button = element('say', HTMLButtonElement)
  /** What was sent and not answered: sent again, it is the same event, and is kept once. */
  let unanswered = { body: '', key: '' }
  let isSending = false

  form.addEventListener('submit', event => {
    event.preventDefault()
    void publish()
  })
  form.addEventListener('keydown', event => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.repeat) return
    event.preventDefault()
    form.requestSubmit()
  })

  async function publish() {
    if (isSending) return
    isSending = true
    button.setAttribute('aria-disabled', 'true')
    const body = toBody()
    if (unanswered.body !== body) unanswered = { body, key: newKey() }
    try {
      const response = await fetch('/events', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': unanswered.key },
        body,
        signal: AbortSignal.timeout(giveUpMs),
      })
      // After a 503 it is not known whether the event was kept.
      if (response.status !== 503) unanswered = { body: '', key: '' }
      if (response.ok) showKept(await response.json())
      else showRefusal(await toProblem(response))
    } catch (error) {
      if (!isCut(error)) throw error
      const detail = 'The hub did not answer. Publish again: if it was kept, it is not kept twice.'
      showRefusal({ code: '', detail })
    } finally {
      isSending = false
      button.removeAttribute('aria-disabled')
    }
  }

  /** @param {{ id: string }} kept */
  function showKept({ id }) {
    mark(undefined)
    answer.className = 'kept'
    const said = make('span', '', 'Kept as ')
    answer.replaceChildren(said, make('code', '', id))
    // The next one is typed over it, or the same one said again.
    if (document.activeElement === fields.data) fields.data.select()
  }

  /** @param {Problem} problem */
  function showRefusal(problem) {
    const field = fieldOf(problem)
    mark(field)
    answer.className = 'refused'
    answer.replaceChildren(make('span', '', problem.detail))
    field?.focus()
  }
}

function toBody() {
  const { topic, type, key, data } = fields
  return JSON.stringify({
    topic: topic.value,
    ...(type.value !== '' && { type: type.value }),
    ...(key.value !== '' && { key: key.value }),
    data: data.value,
  })
}

/**
 * The field that is to blame.
 *
 * @param {Problem} problem
 */
function fieldOf({ code, detail }) {
  if (['invalid-topic', 'reserved-topic', 'topic-ended'].includes(code)) return fields.topic
  if (code === 'too-large') return fields.data
  if (code !== 'invalid-event') return undefined
  if (detail.startsWith('Not a type')) return fields.type
  return detail.startsWith('Not a key') ? fields.key : undefined
}

/** @param {HTMLElement | undefined} wrong */
function mark(wrong) {
  for (const field of Object.values(fields)) {
    if (field === wrong) {
      field.setAttribute('aria-invalid', 'true')
      field.setAttribute('aria-describedby', 'answer')
    } else {
      field.removeAttribute('aria-invalid')
      field.removeAttribute('aria-describedby')
    }
  }
}

/** `randomUUID` is missing where the page is from another machine over plain HTTP. */
function newKey() {
  return crypto.getRandomValues(new Uint32Array(4)).join('-')
}
