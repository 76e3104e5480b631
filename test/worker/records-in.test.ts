import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromBase64 } from '../../src/worker/formats.ts'
import { MAX_HEADERS } from '../../src/worker/headers-in.ts'
import { isMalformed } from '../../src/worker/malformed.ts'
import { type Draft, MAX_RECORDS, parseRecord, parseRecords, type RecordOptions } from '../../src/worker/records-in.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const plain = (bytes: Uint8Array | null) => (bytes === null ? null : new TextDecoder().decode(bytes))
const now = 1_700_000_000_000
const json: RecordOptions = { format: 'json', keyFormat: 'text', now }

/** A draft with its bytes as text. */
const legible = (draft: Draft) => ({
  ...draft,
  key: plain(draft.key),
  value: plain(draft.value),
  headers: draft.headers.map(({ key, value }) => [key, plain(value)]),
})

function parse(body: string, options: Partial<RecordOptions> = {}) {
  const parsed = parseRecords(utf8(body), { ...json, ...options })
  return isMalformed(parsed) ? parsed : parsed.map(legible)
}

const bare = { timestamp: now, key: null, value: 'null', headers: [], partition: -1 }

describe('the shapes of a body', () => {
  it.each([
    { given: '{"value":1}', then: [{ ...bare, value: '1' }] },
    {
      given: '\ufeff [ {"value":1} , {"value":"x"} ]',
      then: [
        { ...bare, value: '1' },
        { ...bare, value: '"x"' },
      ],
    },
    { given: '{ "records" : [{"value":{"a": 1}}]}', then: [{ ...bare, value: '{"a":1}' }] },
    { given: '[]', then: [] },
    {
      given: '{"key":"k","value":null,"headers":{},"timestamp":5,"partition":3}',
      then: [{ timestamp: 5, key: 'k', value: null, headers: [], partition: 3 }],
    },
    {
      given: '{"key":null,"value":0,"headers":null,"timestamp":null,"partition":null}',
      then: [{ ...bare, value: '0' }],
    },
    { given: '{"value":1,"value":2}', then: [{ ...bare, value: '2' }] },
  ])('$given', ({ given, then }) => expect(parse(given)).toEqual(then))

  it('takes as many records as it says, and not one more', () => {
    const body = (n: number) => `[${Array.from({ length: n }, () => '{"value":1}').join()}]`
    expect(parseRecords(utf8(body(MAX_RECORDS)), json)).toHaveLength(MAX_RECORDS)
    expect(parseRecords(utf8(body(MAX_RECORDS + 1)), json)).toMatchObject({ tooMany: true })
  })
})

describe('formats', () => {
  it.each([
    { given: { format: 'text', keyFormat: 'text' }, body: '{"key":"k","value":"a\\nb"}', then: ['k', 'a\nb'] },
    { given: { format: 'base64', keyFormat: 'base64' }, body: '{"key":"aw==","value":"YWI"}', then: ['k', 'ab'] },
    {
      given: { format: 'json', keyFormat: 'json' },
      body: '{"key":{"id": 7},"value":[1, 2]}',
      then: ['{"id":7}', '[1,2]'],
    },
  ] as const)('$given', ({ given, body, then }) => {
    const [draft] = parse(body, given) as ReturnType<typeof legible>[]
    expect([draft!.key, draft!.value]).toEqual(then)
  })

  it('reads any base64, padded or not, in both alphabets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), fc.constantFrom('base64', 'base64url'), (bytes, alphabet) => {
        const text = Buffer.from(bytes).toString(alphabet as 'base64')
        expect(fromBase64(utf8(text))).toEqual(bytes)
        expect(fromBase64(utf8(text.replaceAll('=', '')))).toEqual(bytes)
      }),
      { numRuns: 200 },
    )
  })

  it.each(['a', 'abcde', 'ab=c', '====', 'a===', 'ab c', 'ab==c', 'äöü=', 'YWJ'])('refuses %s as base64', text =>
    expect(fromBase64(utf8(text))).toBeNull(),
  )
})

describe('headers', () => {
  it.each([
    {
      given: '{"a":"1","b":null}',
      then: [
        ['a', '1'],
        ['b', null],
      ],
    },
    {
      given: '{"a":["1","2"],"b":{"base64":"aGk="}}',
      then: [
        ['a', '1'],
        ['a', '2'],
        ['b', 'hi'],
      ],
    },
    {
      given: '{"a":"1","a":"2","__proto__":"x"}',
      then: [
        ['a', '1'],
        ['a', '2'],
        ['__proto__', 'x'],
      ],
    },
    {
      given: '[{"key":"a","value":"1"},{"value":null,"key":"b"},{"key":"a"}]',
      then: [
        ['a', '1'],
        ['b', null],
        ['a', null],
      ],
    },
  ])('$given', ({ given, then }) => expect(parse(`{"value":1,"headers":${given}}`)).toMatchObject([{ headers: then }]))

  it.each([
    { given: '7', field: 'headers' },
    { given: '{"a":7}', field: 'headers.a' },
    { given: '{"a":["x",[]]}', field: 'headers.a' },
    { given: '{"a":{"base64":"?"}}', field: 'headers.a' },
    { given: '{"a":{"base64":"aGk=","more":1}}', field: 'headers.a' },
    { given: '{"a":{}}', field: 'headers.a' },
    { given: '["a"]', field: 'headers[0]' },
    { given: '[{"key":"a","value":"1"},{"value":"2"}]', field: 'headers[1].key' },
    { given: '[{"key":1}]', field: 'headers[0].key' },
    { given: '[{"key":"a","other":1}]', field: 'headers[0].other' },
    { given: '{"\\ud800":"a"}', field: 'headers' },
    { given: JSON.stringify({ a: Array.from({ length: MAX_HEADERS + 1 }, () => 'x') }), field: 'headers' },
  ])('refuses $given', ({ given, field }) => expect(parse(`{"value":1,"headers":${given}}`)).toMatchObject({ field }))
})

describe('what is wrong is named', () => {
  const many = (at: number, wrong: string) =>
    `{"records":[${Array.from({ length: 20 }, (_, i) => (i === at ? wrong : '{"value":1}')).join()}]}`

  it.each([
    {
      given: many(17, '{"value":1,"partition":-1}'),
      says: 'records[17].partition must be an integer from 0 to 2147483647',
    },
    {
      given: many(3, '{"value":1,"partition":2147483648}'),
      says: 'records[3].partition must be an integer from 0 to 2147483647',
    },
    { given: many(3, '{"value":1,"partition":1.5}'), says: 'records[3].partition must be' },
    { given: many(3, '{"value":1,"partition":"1"}'), says: 'records[3].partition must be' },
    { given: '{"value":1,"timestamp":-1}', says: 'timestamp must be an integer from 0 to 9007199254740991' },
    { given: '{"value":1,"timestamp":9007199254740992}', says: 'timestamp must be an integer' },
    { given: '{"value":1,"timestamp":1e400}', says: 'timestamp must be an integer' },
    { given: '[7]', says: 'records[0] must be an object: a record has' },
    { given: '"x"', says: 'A record must be an object' },
    { given: '{"key":"k"}', says: 'value is missing' },
    { given: '{"values":1}', says: 'values is unknown' },
    { given: '{"value":1,"key":7}', says: 'key must be a string (keyFormat=text) or null' },
    { given: '{"value":1,"key":"\\udc00"}', says: 'key has a lone surrogate' },
    { given: '{"records":7}', says: 'records must be an array' },
    { given: '{"records":[],"acks":1}', says: 'acks cannot stand beside records' },
  ])('$says', ({ given, says }) => {
    const parsed = parse(given)
    expect(parsed).toHaveProperty('malformed')
    expect((parsed as { malformed: string }).malformed).toContain(says)
  })

  it('keeps to the partition of the path', () => {
    expect(parse('[{"value":1},{"value":2,"partition":3}]', { partition: 3 })).toMatchObject([
      { partition: 3 },
      { partition: 3 },
    ])
    expect(parse('[{"value":1},{"value":2,"partition":2}]', { partition: 3 })).toMatchObject({
      malformed: 'records[1].partition must be 3 or left out: the path names that partition',
    })
  })

  it('says where the text is not JSON', () => {
    expect(parse('[{"value":1},\n {"value":}]')).toEqual({
      malformed: 'The body is not JSON: expected a value',
      record: 1,
      position: 24,
      line: 2,
      column: 11,
    })
    expect(parse('{"value":1')).toMatchObject({ malformed: expect.stringContaining('but the text ends'), position: 10 })
    expect(parse('{"value":1} {"value":2}')).toMatchObject({ position: 12 })
    expect(parse('')).toMatchObject({ position: 0 })
  })

  it('says where the bytes are not UTF-8', () => {
    const body = new Uint8Array([...utf8('{"value":"ü\n'), 0xff, ...utf8('"}')])
    expect(parseRecords(body, json)).toEqual({
      malformed: 'The body is not UTF-8 at byte 13',
      position: 12,
      line: 2,
      column: 1,
    })
  })

  it('says it of a line', () => {
    expect(parseRecord(utf8('{"value":1} x'), json)).toMatchObject({ position: 12 })
    expect(parseRecord(utf8('[{"value":1}]'), json)).toMatchObject({
      malformed: expect.stringContaining('A record must be an object'),
    })
  })

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
        parseRecords(bytes, json)
      }),
      { numRuns: 300 },
    )
  })
})
