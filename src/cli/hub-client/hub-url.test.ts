import { describe, expect, it } from 'vitest'
import { howToReach, hubUrlOf, parseHubUrl, showUrl } from './hub-url.js'

describe('the URL of a hub', () => {
  it.each([
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['https://user:secret@example.com/hub/', 'https://example.com/hub'],
    ['http://[::1]:9000/', 'http://[::1]:9000'],
  ])('%s is shown as %s', (text, shown) => {
    expect(showUrl(parseHubUrl(text, '--url'))).toBe(shown)
  })

  it.each([
    ['localhost:8080', 'Write http://localhost:8080.'],
    ['hub.example', 'Write http://hub.example.'],
    ['ftp://hub.example', 'It begins with http:// or https://'],
    ['', 'It begins with http:// or https://'],
    ['http://hub.example/events', 'without /events: http://hub.example.'],
    ['http://hub.example/a/events/news', 'without /events: http://hub.example/a.'],
    ['http://hub.example/?topic=a', 'no "?"'],
    // It was taken, and met with an exception when the hub was to be asked.
    [
      'http://user:100%@hub.example',
      '--url: "http://hub.example" is not the URL of a hub. In its password a "%" is written %25.',
    ],
    ['http://user:secret@hub.example/?a', '--url: "http://hub.example/?a"'],
  ])('%j is none', (text, hint) => {
    const refusal = expect.objectContaining({ code: 'invalid-setting', message: expect.stringContaining(hint) })
    expect(() => parseHubUrl(text, '--url')).toThrow(refusal)
  })

  it('is the one given, else that of the variable, else that of this machine', () => {
    const given = new URL('http://given.example')
    expect(hubUrlOf(given, { TIDINGS_URL: 'http://variable.example' })).toBe(given)
    expect(hubUrlOf(undefined, { TIDINGS_URL: 'http://variable.example' }).host).toBe('variable.example')
    expect(hubUrlOf(undefined, { TIDINGS_URL: '' }).host).toBe('127.0.0.1:8080')
    expect(() => hubUrlOf(undefined, { TIDINGS_URL: 'nonsense://' })).toThrow('TIDINGS_URL: "nonsense://"')
  })

  it('says how to start one where it would be, and asks elsewhere', () => {
    expect(howToReach(new URL('http://127.0.0.1:8080'))).toBe('Start one with: tidings serve.')
    expect(howToReach(new URL('http://localhost:9000'))).toBe('Start one with: tidings serve --port 9000.')
    expect(howToReach(new URL('https://hub.example'))).toBe('Is it running, and is the URL (--url, TIDINGS_URL) right?')
  })
})
