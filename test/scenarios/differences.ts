const opens = ['open', ['message', 'x', ''], 'error 0']
const events = (...heard: readonly (readonly string[])[]) => ({ whole: heard, bytes: heard, sevens: heard })
const redirected = { heard: ['open', 'error 0', 'error 2'], origins: 2, isOwn: true }

/** The network stack of Chromium asks again by itself at 408. */
const askedAgain = { 'status 408 closes it for good': { heard: opens, requests: 2 } }
/** Firefox tells of an answer when there is a first byte of its body. */
const toldLate = { 'it opens before there is a first byte': 'nothing in time' }
/** What browsers do in one way, and `fetch` cannot. */
const native = {
  'another origin that does not allow it': ['error 2'],
  'cookies need to be allowed by name': ['error 2'],
  'other origins are asked whether they take the last id': 0,
  'its own events are trusted': true,
  // Sent, and refused by the server.
  'a last id with control characters is left out': ['error 2', [null]],
}

/** What a reader observes otherwise than the list has it, by case. `docs/guide/client.md` explains it. */
export const differences: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  Bun: { 'redirects without an end are no stream': 2 },
  'Chromium, ours': askedAgain,
  'Chromium, native': {
    ...native,
    ...askedAgain,
    'format: BOM alone on its line': { ...events(), lastEventId: '' },
    'type text/event-stream; charset=iso-8859-1 is that of a stream': ['error 2'],
    ...Object.fromEntries(
      [301, 302, 303, 307, 308].map(status => [`it follows ${status}, and asks at the first place again`, redirected]),
    ),
  },
  'Firefox, ours': toldLate,
  'Firefox, native': {
    ...native,
    ...toldLate,
    'format: NUL in data': { ...events(['message', 'ab', '']), lastEventId: '' },
    'format: no data, no event': { ...events(), lastEventId: '' },
    'format: an id without data sticks too': { ...events(['message', 'b', '']), lastEventId: '' },
    'format: an id with NUL is ignored': { ...events(['message', 'a', '1']), lastEventId: '1' },
    'it follows 301, and asks at the first place again': redirected,
    'it follows 308, and asks at the first place again': redirected,
    'redirects without an end are no stream': 2,
    'it comes back where nobody listened': 2,
  },
}
