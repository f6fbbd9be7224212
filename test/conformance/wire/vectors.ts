import type { ParsedEvent } from '../../../src/wire/parse.js'

/** A stream, and what the WHATWG HTML standard (section 9.2.6) makes of it. */
export interface Vector {
  readonly name: string
  readonly stream: string | Uint8Array
  /** Each as given; type `message`, empty id and empty topic are left out. */
  readonly events: readonly (Partial<ParsedEvent> & { readonly data: string })[]
  readonly retries?: readonly number[]
  readonly comments?: readonly string[]
  /** What a client would send to resume. Default: empty. */
  readonly lastEventId?: string
}

const bytes = (...parts: readonly (string | readonly number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap(part => (typeof part === 'string' ? [...new TextEncoder().encode(part)] : [...part])))

export const vectors: readonly Vector[] = [
  { name: 'nothing', stream: '', events: [] },
  { name: 'one event', stream: 'data: a\n\n', events: [{ data: 'a' }] },
  { name: 'two events', stream: 'data: a\n\ndata: b\n\n', events: [{ data: 'a' }, { data: 'b' }] },
  {
    name: 'all fields',
    stream: 'retry: 3000\nid: e-1\nevent: trade\ntopic: stocks/A\ndata: 1\ndata: 2\n\n',
    events: [{ id: 'e-1', type: 'trade', topic: 'stocks/A', data: '1\n2' }],
    retries: [3000],
    lastEventId: 'e-1',
  },
  // The examples that the standard itself gives.
  { name: "the standard's stocks", stream: 'data: YHOO\ndata: +2\ndata: 10\n\n', events: [{ data: 'YHOO\n+2\n10' }] },
  {
    name: "the standard's four blocks",
    stream: ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event',
    events: [{ data: 'first event', id: '1' }, { data: 'second event' }],
    comments: ['test stream'],
  },
  {
    name: "the standard's empty data, and its unfinished block",
    stream: 'data\n\ndata\ndata\n\ndata:',
    events: [{ data: '' }, { data: '\n' }],
  },
  {
    name: "the standard's optional space",
    stream: 'data:test\n\ndata: test\n\n',
    events: [{ data: 'test' }, { data: 'test' }],
  },
  // Ends of lines.
  { name: 'CR', stream: 'data: a\rdata: b\r\rdata: c\r\r', events: [{ data: 'a\nb' }, { data: 'c' }] },
  { name: 'CRLF', stream: 'data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n', events: [{ data: 'a\nb' }, { data: 'c' }] },
  { name: 'LF CR is two ends', stream: 'data: a\n\rdata: b\n\r', events: [{ data: 'a' }, { data: 'b' }] },
  { name: 'CR CR LF is two ends', stream: 'data: a\r\r\ndata: b\r\r\n', events: [{ data: 'a' }, { data: 'b' }] },
  { name: 'CR LF LF is two ends', stream: 'data: a\r\n\ndata: b\r\n\n', events: [{ data: 'a' }, { data: 'b' }] },
  {
    name: 'all ends in one block',
    stream: 'data: a\rdata: b\ndata: c\r\ndata: d\n\r\n',
    events: [{ data: 'a\nb\nc\nd' }],
  },
  { name: 'LF after many CRs', stream: 'data: a\r\r\r\r\ndata: b\n\n', events: [{ data: 'a' }, { data: 'b' }] },
  {
    name: 'other separators of Unicode are text',
    stream: 'data: a\u2028b\u2029c\u0085d\u000be\u000cf\n\n',
    events: [{ data: 'a\u2028b\u2029c\u0085d\u000be\u000cf' }],
  },
  // What is not finished.
  { name: 'a block without its blank line', stream: 'data: a\n\nid: 9\ndata: b\n', events: [{ data: 'a' }] },
  { name: 'a line without its end', stream: 'data: a\n\nretry: 5', events: [{ data: 'a' }], retries: [] },
  { name: 'a retry holds though its block never ends', stream: 'retry: 5\n', events: [], retries: [5] },
  // The byte order mark.
  { name: 'BOM', stream: '\ufeffdata: a\n\n', events: [{ data: 'a' }] },
  { name: 'two BOMs: the second is text', stream: '\ufeff\ufeffdata: a\n\ndata: b\n\n', events: [{ data: 'b' }] },
  {
    name: 'BOM later',
    stream: 'data: a\n\n\ufeffdata: b\n\ndata: \ufeffc\n\n',
    events: [{ data: 'a' }, { data: '\ufeffc' }],
  },
  { name: 'BOM after a blank line', stream: '\n\ufeffdata: b\n\n', events: [] },
  { name: 'BOM alone on its line', stream: '\ufeff\ndata: b\n\n', events: [{ data: 'b' }] },
  { name: 'half a BOM', stream: bytes([0xef, 0xbb], 'data: a\n\ndata: b\n\n'), events: [{ data: 'b' }] },
  { name: 'BOM of UTF-16', stream: bytes([0xfe, 0xff], 'data: a\n\ndata: b\n\n'), events: [{ data: 'b' }] },
  // data
  { name: 'one space goes, the second stays', stream: 'data:  a \n\n', events: [{ data: ' a ' }] },
  { name: 'a tab stays', stream: 'data:\ta\n\n', events: [{ data: '\ta' }] },
  { name: 'a space alone', stream: 'data: \n\n', events: [{ data: '' }] },
  { name: 'colons stay', stream: 'data::a:b\n\n', events: [{ data: ':a:b' }] },
  { name: 'an empty line among others', stream: 'data: a\ndata:\ndata: b\n\n', events: [{ data: 'a\n\nb' }] },
  { name: 'empty lines', stream: 'data:\ndata: \ndata\n\n', events: [{ data: '\n\n' }] },
  { name: 'NUL in data', stream: 'data: a\0b\n\n', events: [{ data: 'a\0b' }] },
  { name: 'no data, no event', stream: 'event: a\n\nevent: b\nid: 1\n\n\n\n', events: [], lastEventId: '1' },
  // event
  { name: 'an empty type is a message', stream: 'event: a\nevent:\ndata: b\n\n', events: [{ data: 'b' }] },
  { name: 'the last type counts', stream: 'event: a\nevent: b\ndata\n\n', events: [{ type: 'b', data: '' }] },
  {
    name: 'a type ends with its block',
    stream: 'event: a\ndata\n\ndata\n\n',
    events: [{ type: 'a', data: '' }, { data: '' }],
  },
  { name: 'a type without data does not stay', stream: 'event: a\n\ndata: b\n\n', events: [{ data: 'b' }] },
  { name: 'a type after its data', stream: 'data: b\nevent: a\n\n', events: [{ type: 'a', data: 'b' }] },
  { name: 'names of objects', stream: 'event: __proto__\ndata\n\n', events: [{ type: '__proto__', data: '' }] },
  // id
  {
    name: 'an id sticks',
    stream: 'id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\n',
    events: [
      { data: 'a', id: '1' },
      { data: 'b', id: '1' },
      { data: 'c', id: '2' },
    ],
    lastEventId: '2',
  },
  {
    name: 'an id without data sticks too',
    stream: 'id: 1\n\ndata: b\n\n',
    events: [{ data: 'b', id: '1' }],
    lastEventId: '1',
  },
  {
    name: 'an empty id clears it',
    stream: 'id: 1\ndata: a\n\nid\ndata: b\n\n',
    events: [{ data: 'a', id: '1' }, { data: 'b' }],
  },
  {
    name: 'an id with NUL is ignored',
    stream: 'id: 1\ndata: a\n\nid: 2\0\ndata: b\n\nid:\0\n\n',
    events: [
      { data: 'a', id: '1' },
      { data: 'b', id: '1' },
    ],
    lastEventId: '1',
  },
  {
    name: 'an id counts with its blank line',
    stream: 'id: 1\ndata: a\n\nid: 2\n',
    events: [{ data: 'a', id: '1' }],
    lastEventId: '1',
  },
  {
    name: 'the last id counts',
    stream: 'id: 1\ndata: a\nid: 2\n\n',
    events: [{ data: 'a', id: '2' }],
    lastEventId: '2',
  },
  {
    name: 'an id that is no ASCII',
    stream: 'id: …é😀\ndata\n\n',
    events: [{ id: '…é😀', data: '' }],
    lastEventId: '…é😀',
  },
  // retry
  { name: 'retry', stream: 'retry: 0\nretry:10\nretry: 007\n\n', events: [], retries: [0, 10, 7] },
  {
    name: 'retry that is no number',
    stream:
      'retry\nretry:\nretry: \nretry:  1\nretry: 1 \nretry: -1\nretry: +1\nretry: 1.5\nretry: 1e3\nretry: 0x1\nretry: ٣\nretry: 1\0\n\n',
    events: [],
    retries: [],
  },
  {
    name: 'retry beyond all numbers',
    stream: `retry: 9007199254740993\nretry: ${'9'.repeat(400)}\n\n`,
    events: [],
    retries: [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  },
  // Other fields, and what is none.
  {
    name: 'fields that nobody knows',
    stream:
      'dat: a\ndatas: b\nDATA: c\n data: d\ndata : e\nfoo\nfoo: bar\ntopics: t\neventx: x\nidx: 1\nretryx: 1\ndata: f\n\n',
    events: [{ data: 'f' }],
    retries: [],
  },
  {
    name: 'the beginnings of fields',
    stream: 'd\nda\ndat\ne\neven\ni\nr\nretr\nt\ntopi\ndata: f\n\n',
    events: [{ data: 'f' }],
  },
  { name: 'unknown fields alone', stream: 'foo: bar\n\nfoo\n\n', events: [] },
  {
    name: 'comments',
    stream: ':\n:a\n: b\n:  c\n::d\n:data: e\ndata: f\n: g\n\n:h\n',
    events: [{ data: 'f' }],
    comments: ['', 'a', 'b', ' c', ':d', 'data: e', 'g', 'h'],
  },
  // Ours.
  {
    name: 'a topic ends with its block',
    stream: 'topic: a/b\ndata\n\ndata\n\n',
    events: [{ topic: 'a/b', data: '' }, { data: '' }],
  },
  { name: 'a topic without data does not stay', stream: 'topic: a\n\ndata: b\n\n', events: [{ data: 'b' }] },
  {
    name: "the hub's first block",
    stream: 'retry: 3000\nevent: $cursor\nid: k3x9-1041\ndata:\n\n',
    events: [{ type: '$cursor', id: 'k3x9-1041', data: '' }],
    retries: [3000],
    lastEventId: 'k3x9-1041',
  },
  // UTF-8
  { name: 'one to four bytes a character', stream: 'data: aé한😀\n\n', events: [{ data: 'aé한😀' }] },
  {
    name: 'all names in UTF-8',
    stream: 'event: é\ntopic: 한/😀\ndata: ü\n\n',
    events: [{ type: 'é', topic: '한/😀', data: 'ü' }],
  },
  {
    name: 'bytes that are none',
    stream: bytes('data: ', [0xff, 0xc0, 0x80], 'a\n\n'),
    events: [{ data: '\ufffd\ufffd\ufffda' }],
  },
  {
    name: 'a line end inside a character',
    stream: bytes('data: ', [0xe2, 0x82], '\ndata: ', [0xf0, 0x9f, 0x98], '\r\ndata: ', [0xc3], '\r\r'),
    events: [{ data: '\ufffd\n\ufffd\n\ufffd' }],
  },
  {
    name: 'a surrogate in UTF-8',
    stream: bytes('data: ', [0xed, 0xa0, 0x80], '\n\n'),
    events: [{ data: '\ufffd\ufffd\ufffd' }],
  },
  { name: 'overlong', stream: bytes('data: ', [0xe0, 0x80, 0x8a], '\n\n'), events: [{ data: '\ufffd\ufffd\ufffd' }] },
  {
    name: 'a lonely continuation before a field',
    stream: bytes([0x80], 'data: a\n\ndata: b\n\n'),
    events: [{ data: 'b' }],
  },
]
