import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Header, LogRecord } from '../../src/log/records.ts'
import type { RecordFormat } from '../../src/worker/formats.ts'
import { JsonWriter } from '../../src/worker/json-writer.ts'
import { isMalformed } from '../../src/worker/malformed.ts'
import { parseRecord } from '../../src/worker/records-in.ts'
import { recordPrefix, writeRecord } from '../../src/worker/records-out.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const json: RecordFormat = { format: 'json', keyFormat: 'text' }

function written(fields: Partial<LogRecord>, format = json, topic?: string): string {
  const out = new JsonWriter(16)
  const record = { offset: 7, timestamp: 9, key: null, value: null, headers: [], ...fields }
  writeRecord(out, recordPrefix(2, topic), record, format)
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(out.take())
}

const header = (key: string, value: string | Uint8Array | null): Header => ({
  key,
  value: typeof value === 'string' ? utf8(value) : value,
})

it('writes every member of a record', () => {
  expect(written({ key: utf8('k'), value: utf8('{"a": 1}'), headers: [header('h', 'x')] })).toBe(
    '{"partition":2,"offset":7,"timestamp":9,"key":"k","value":{"a":1},"headers":{"h":"x"}}',
  )
  expect(written({}, json, 'orders.eu')).toBe(
    '{"topic":"orders.eu","partition":2,"offset":7,"timestamp":9,"key":null,"value":null,"headers":{}}',
  )
})

describe('content not of the format comes back readable and flagged', () => {
  const invalid = new Uint8Array([0xff, 0x00])
  it.each([
    { format: 'json', given: utf8('12345678901234567890'), then: '12345678901234567890' },
    { format: 'json', given: utf8(' [1,\n 2] '), then: '[1,2]' },
    { format: 'json', given: utf8('plain "text"'), then: '"plain \\"text\\"","valueFormat":"text"' },
    { format: 'json', given: utf8('null'), then: '"null","valueFormat":"text"' },
    { format: 'json', given: utf8(''), then: '"","valueFormat":"text"' },
    { format: 'json', given: invalid, then: '"/wA=","valueFormat":"base64"' },
    { format: 'json', given: new Uint8Array([0x22, 0xff, 0x22]), then: '"Iv8i","valueFormat":"base64"' },
    { format: 'json', given: null, then: 'null' },
    { format: 'text', given: utf8('{"a":1}'), then: '"{\\"a\\":1}"' },
    { format: 'text', given: utf8('a\u0000\u001f\n\tü€😀\\'), then: '"a\\u0000\\u001f\\n\\tü€😀\\\\"' },
    { format: 'text', given: invalid, then: '"/wA=","valueFormat":"base64"' },
    { format: 'text', given: null, then: 'null' },
    { format: 'base64', given: utf8('hi'), then: '"aGk="' },
    { format: 'base64', given: null, then: 'null' },
  ] as const)('$format $then', ({ format, given, then }) => {
    expect(written({ value: given }, { format, keyFormat: 'text' })).toContain(`"value":${then},"headers"`)
    expect(written({ key: given }, { format: 'json', keyFormat: format })).toContain(
      `"key":${then.replace('valueFormat', 'keyFormat')},"value"`,
    )
  })
})

describe('headers', () => {
  it.each([
    { given: [header('a', '1'), header('b', null)], then: '{"a":"1","b":null}' },
    { given: [header('a', '1'), header('a', '2'), header('b', '3')], then: '{"a":["1","2"],"b":"3"}' },
    {
      given: [header('a', '1'), header('b', '2'), header('a', '3')],
      then: '[{"key":"a","value":"1"},{"key":"b","value":"2"},{"key":"a","value":"3"}]',
    },
    { given: [header('a', new Uint8Array([0xff]))], then: '{"a":{"base64":"/w=="}}' },
  ])('$then', ({ given, then }) => expect(written({ headers: given })).toContain(`"headers":${then}}`))
})

it('what is written reads back as the same record, in every format', () => {
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.string().map(utf8), fc.json().map(utf8))
  const content = fc.option(bytes, { nil: null })
  const name = fc.constantFrom('a', 'b', 'ü', '1', '__proto__')
  const record = fc.record({
    offset: fc.nat(),
    timestamp: fc.maxSafeNat(),
    key: content,
    value: content,
    headers: fc.array(fc.record({ key: name, value: content }), { maxLength: 5 }),
  })
  fc.assert(
    fc.property(record, given => {
      const format: RecordFormat = { format: 'base64', keyFormat: 'base64' }
      const body = written(given, format).replace('"offset":' + given.offset + ',', '')
      const read = parseRecord(utf8(body), { ...format, now: 0 })
      if (isMalformed(read)) throw new Error(read.malformed)
      const { key, value, headers, timestamp } = read
      expect({ offset: given.offset, timestamp, key, value, headers: [...headers] }).toEqual(given)
      for (const other of ['json', 'text'] as const) JSON.parse(written(given, { format: other, keyFormat: other }))
    }),
    { numRuns: 200 },
  )
})
