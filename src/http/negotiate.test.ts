import { describe, expect, test } from 'vitest'
import { negotiate, tryNegotiate } from './negotiate.js'

describe('the form of an answer', () => {
  test.each([
    [undefined, 'text/event-stream'],
    ['', 'text/event-stream'],
    ['*/*', 'text/event-stream'],
    ['text/event-stream', 'text/event-stream'],
    ['TEXT/Event-Stream; charset=utf-8', 'text/event-stream'],
    ['text/*', 'text/event-stream'],
    ['application/json', 'application/json'],
    ['application/x-ndjson', 'application/x-ndjson'],
    ['application/*', 'application/json'],
    // What libraries send: named outright goes before anything.
    ['application/json, text/plain, */*', 'application/json'],
    // A browser's address bar.
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/event-stream'],
    ['application/json;q=0.5, application/x-ndjson;q=0.9', 'application/x-ndjson'],
    ['application/json, text/event-stream', 'text/event-stream'],
    ['application/json;q=1.000, text/event-stream;q=0.999', 'application/json'],
    // The most specific range says the weight (RFC 9110, 12.5.1).
    ['*/*, text/event-stream;q=0', 'application/json'],
    ['text/*;q=0.3, text/event-stream;q=0.1, application/x-ndjson;q=0.2', 'application/x-ndjson'],
    [',, rubbish, application/json;q=x, application/x-ndjson', 'application/x-ndjson'],
  ])('for Accept: %s is %s', (accept, form) => {
    expect(negotiate(accept)).toBe(form)
  })

  test.each(['text/html', 'rubbish', '*/*;q=0', 'application/json;q=0', 'application/json;q=2', 'image/*'])(
    'for Accept: %s there is none',
    accept => {
      expect(tryNegotiate(accept)).toBeUndefined()
      expect(() => negotiate(accept)).toThrow(/text\/event-stream, application\/json, application\/x-ndjson/)
    },
  )
})
