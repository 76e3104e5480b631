import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Batch, codecOf, parseBatches, readBatches, stamp } from '../../src/log/batch.ts'
import { codecs, compress } from '../../src/log/compression.ts'
import { crc32c } from '../../src/log/crc32c.ts'
import {
  decodeBatch,
  encodeBatch,
  firstRecordWithoutKey,
  type LogRecord,
  type NewRecord,
} from '../../src/log/records.ts'
import { isFailure } from '../../src/protocol/errors.ts'
import { fixture } from '../fixtures/batches/fixture.ts'

const base = 1_700_000_000_000
const utf8 = (text: string) => new TextEncoder().encode(text)
const java = fixture('kafka-clients')
const kafkajs = fixture('kafkajs')

function one(bytes: Uint8Array): Batch {
  const batches = parseBatches(bytes)
  if (isFailure(batches)) throw new Error(`${batches.error}: ${batches.message}`)
  return batches[0]!
}

function decode(bytes: Uint8Array): LogRecord[] {
  const records = decodeBatch(one(bytes))
  if (isFailure(records)) throw new Error(`${records.error}: ${records.message}`)
  return records
}

const record = (fields: Partial<NewRecord> = {}): NewRecord => ({
  timestamp: base,
  key: null,
  value: null,
  headers: [],
  ...fields,
})

/** What Batches.java calls plain. */
const plain: NewRecord[] = [
  record({
    key: utf8('key'),
    value: utf8('value'),
    headers: [
      { key: 'trace', value: utf8('abc') },
      { key: 'größe', value: Uint8Array.of(0, 255) },
    ],
  }),
  record({ timestamp: base + 5_000_000_000, value: utf8('no key') }),
  record({ timestamp: base - 1, key: utf8('tombstone') }),
  record({ timestamp: 0, key: utf8(''), value: utf8(''), headers: [{ key: '', value: null }] }),
  record({ timestamp: base + 64, key: utf8('k'.repeat(64)), value: utf8('v'.repeat(300)) }),
]
const at = (records: readonly NewRecord[], baseOffset: number): LogRecord[] =>
  records.map((each, i) => ({ ...each, offset: baseOffset + i }))

/** What Batches.java calls large. */
const large: NewRecord[] = Array.from({ length: 1200 }, (_, i) => {
  let seed = i
  const value = Uint8Array.from({ length: 100 }, (_, j) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0
    return i % 50 === 0 ? seed >>> 24 : 97 + ((i + j) % 7)
  })
  return record({ timestamp: base + i, key: utf8(`user-${i % 97}`), value })
})

// Only a codec has blocks.
it.each(codecs.filter(codec => codec !== 'none'))(
  'records in several blocks of %s read as kafka-clients meant',
  codec => {
    expect(decode(java.get(`${codec} large`)!)).toEqual(at(large, 0))
  },
)

describe.each(codecs)('records in %s', codec => {
  it('of kafka-clients read as they were meant', () => {
    expect(decode(java.get(`${codec} plain`)!)).toEqual(at(plain, 1234))
  })

  it('of kafka-clients all have the time of their append', () => {
    const expected = at(plain, 1234).map(each => ({ ...each, timestamp: base + 999 }))
    expect(decode(java.get(`${codec} append time`)!)).toEqual(expected)
  })

  it('of KafkaJS read as they were meant', () => {
    const expected = Array.from({ length: 40 }, (_, i) => ({
      offset: i,
      timestamp: base + i * 1000,
      key: i % 3 === 0 ? null : utf8(`key-${i}`),
      value: utf8(`value ${i} of a batch that repeats itself`),
      headers:
        i % 4 === 0
          ? [
              { key: 'source', value: utf8('kafkajs') },
              { key: 'tags', value: utf8('a') },
              { key: 'tags', value: utf8('b') },
            ]
          : [],
    }))
    expect(decode(kafkajs.get(codec)!)).toEqual(expected)
    expect(codecOf(one(kafkajs.get(codec)!))).toBe(codec)
  })

  it('come back as they went in', () => {
    const bytes = fc.uint8Array({ maxLength: 200 })
    const maybe = fc.option(bytes)
    const anyRecord: fc.Arbitrary<NewRecord> = fc.record({
      timestamp: fc.oneof(
        fc.constantFrom(-1, 0, base),
        fc.nat(),
        fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 1 }),
      ),
      key: maybe,
      value: maybe,
      headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme' }), value: maybe }), { maxLength: 3 }),
    })
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 200 }), records => {
        expect(decode(encodeBatch(records, { codec }))).toEqual(at(records, 0))
      }),
      { numRuns: 60 },
    )
  })

  it('never throw and never hang, whichever byte is changed behind the checksum', () => {
    const whole = readBatches(encodeBatch(plain, { codec }))[0]!
    for (let at = 21; at < whole.bytes.length; at++)
      for (let value = 1; value < 256; value = value * 2 + 1) {
        const bytes = whole.bytes.slice()
        bytes[at]! ^= value
        for (const batch of readBatches(bytes))
          for (const result of [decodeBatch(batch, 100_000), firstRecordWithoutKey(batch, 100_000)])
            if (isFailure(result) && result.error !== 'CORRUPT_MESSAGE' && result.error !== 'MESSAGE_TOO_LARGE')
              expect.fail(`byte ${at} ^ ${value}: ${result.message}`)
      }
  })
})

describe('encodeBatch', () => {
  it('writes the very bytes that kafka-clients writes', () => {
    const ours = stamp(one(encodeBatch(plain)), { baseOffset: 1234, leaderEpoch: 7 })
    expect(ours.bytes).toEqual(java.get('none plain')!)
  })

  it.each(['idempotent', 'transactional'])('writes the very %s bytes that kafka-clients writes', name => {
    const records = [0, 1, 2, 3].map(i => record({ timestamp: base + i, key: utf8(`k${i}`), value: utf8(`v${i}`) }))
    const ours = encodeBatch(records, {
      producerId: Number.MAX_SAFE_INTEGER,
      producerEpoch: 32767,
      baseSequence: 2 ** 31 - 2,
      transactional: name === 'transactional',
    })
    expect(stamp(one(ours), { baseOffset: 0, leaderEpoch: 0 }).bytes).toEqual(java.get(`none ${name}`)!)
  })

  it('writes the very end of a transaction that kafka-clients writes', () => {
    const marker = decode(java.get('control commit')!)[0]!
    const ours = encodeBatch([marker], {
      producerId: 4711,
      producerEpoch: 3,
      transactional: true,
      control: true,
    })
    expect(stamp(one(ours), { baseOffset: 88, leaderEpoch: 5 }).bytes).toEqual(java.get('control commit')!)
  })

  it('answers a buffer of exactly its size, since a view crosses RPC with its whole buffer', () => {
    for (const codec of codecs) {
      const bytes = encodeBatch(plain, { codec })
      expect(bytes.buffer.byteLength).toBe(bytes.length)
    }
  })

  it.each([0x3f, 0x40, 0x1fff, 0x2000, 0xfffff, 0x100000])('takes a value of %i bytes', size => {
    const value = Uint8Array.from({ length: size }, (_, i) => i)
    expect(Buffer.compare(decode(encodeBatch([record({ value })]))[0]!.value!, value)).toBe(0)
  })

  it.each([0, 1, 63, 64, 8191, 8192, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 48, Number.MAX_SAFE_INTEGER])(
    'takes a timestamp %i after and before the first',
    delta => {
      const records = [0, delta, 0].map(timestamp => record({ timestamp }))
      expect(decode(encodeBatch(records))).toEqual(at(records, 0))
      const reversed = [delta, 0, delta].map(timestamp => record({ timestamp }))
      expect(decode(encodeBatch(reversed))).toEqual(at(reversed, 0))
    },
  )
})

describe('encodeBatch throws on a bug of its caller', () => {
  it.each([
    { given: 'no records', records: [] },
    { given: 'a timestamp that is no number', records: [record({ timestamp: NaN })] },
    { given: 'an endless timestamp', records: [record(), record({ timestamp: Infinity })] },
    { given: 'half a millisecond', records: [record(), record({ timestamp: base + 0.5 })] },
    { given: 'a timestamp beyond 2^53', records: [record({ timestamp: 0 }), record({ timestamp: 2 ** 53 })] },
  ])('$given', ({ records }) => {
    expect(() => encodeBatch(records)).toThrow(RangeError)
  })
})

describe('decodeBatch', () => {
  it('keeps a byte order mark in the name of a header, and does not mix up names that take turns', () => {
    const names = ['\ufefftrace', 'trace', 'trac', 'trace', 'größe']
    const records = names.map((key, i) =>
      record({
        headers: [
          { key, value: null },
          { key: names[i ^ 1] ?? 'last', value: null },
        ],
      }),
    )
    expect(decode(encodeBatch(records))).toEqual(at(records, 0))
  })

  it('answers views, not copies', () => {
    const bytes = encodeBatch(plain)
    expect(decode(bytes)[0]!.value!.buffer).toBe(bytes.buffer)
  })

  it('reads what compaction left: fewer records than offsets', () => {
    const bytes = encodeBatch([record({ key: utf8('a') }), record({ key: utf8('b') }), record({ key: utf8('c') })])
    expect(bytes[61]).toBe(14) // the first record: its length, 7, as a zigzag varint, and seven bytes
    const kept = new Uint8Array([...bytes.subarray(0, 61), ...bytes.subarray(61 + 8)])
    new DataView(kept.buffer).setInt32(8, kept.length - 12)
    new DataView(kept.buffer).setInt32(57, 2)
    expect(decodeBatch(readBatches(kept)[0]!)).toMatchObject([{ offset: 1 }, { offset: 2 }])
  })

  it('reads a batch without records', () => {
    const bytes = encodeBatch([record()]).slice(0, 61)
    new DataView(bytes.buffer).setInt32(8, 49)
    new DataView(bytes.buffer).setInt32(57, 0)
    expect(decodeBatch(readBatches(bytes)[0]!)).toEqual([])
  })

  /** A batch of one record, whose bytes are these. */
  function holding(...bytes: number[]): Batch {
    const batch = new Uint8Array([...encodeBatch([record()]).subarray(0, 61), ...bytes])
    const view = new DataView(batch.buffer)
    view.setInt32(8, batch.length - 12)
    view.setUint32(17, crc32c(batch, 21))
    return readBatches(batch)[0]!
  }

  // length, attributes, timestamp delta, offset delta, key length, value length, header count; 1 is -1, 2 is 1
  it.each([
    { given: 'a record as it should be', bytes: [12, 0, 0, 0, 1, 1, 0], then: undefined },
    { given: 'no record', bytes: [], then: 'cannot hold' },
    { given: 'a longer record than it says', bytes: [12, 0, 0, 0, 1, 1, 2, 2, 97, 1], then: '1 headers' },
    { given: 'a shorter record than it says', bytes: [14, 0, 0, 0, 1, 1, 0, 0], then: 'not as long' },
    { given: 'a record after the last', bytes: [12, 0, 0, 0, 1, 1, 0, 12, 0, 0, 0, 1, 1, 0], then: 'left over' },
    { given: 'a negative length', bytes: [11, 0, 0, 0, 1, 1, 0], then: 'length of -6' },
    { given: 'a key longer than its record', bytes: [12, 0, 0, 0, 40, 1, 0], then: '20 bytes' },
    { given: 'a value longer than its record', bytes: [12, 0, 0, 0, 1, 4, 0], then: '2 bytes' },
    { given: 'a negative number of headers', bytes: [12, 0, 0, 0, 1, 1, 1], then: '-1 headers' },
    { given: 'more headers than bytes', bytes: [12, 0, 0, 0, 1, 1, 100], then: '50 headers' },
    { given: 'a header without a key', bytes: [16, 0, 0, 0, 1, 1, 2, 1, 1], then: 'without a key' },
    {
      given: 'an endless number',
      bytes: [24, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255],
      then: 'timestamp',
    },
    // 2^53 - 1 after the first record, which is in the year 2023
    {
      given: 'a timestamp beyond 2^53',
      bytes: [26, 0, 254, 255, 255, 255, 255, 255, 255, 31, 0, 1, 1, 0],
      then: 'timestamp',
    },
    { given: 'a second offset in a batch of one', bytes: [12, 0, 0, 2, 1, 1, 0], then: 'offset' },
    { given: 'a negative offset delta', bytes: [12, 0, 0, 1, 1, 1, 0], then: 'offset' },
  ])('of $given', ({ bytes, then }) => {
    const result = decodeBatch(holding(...bytes))
    if (then === undefined) expect(result).toHaveLength(1)
    else expect(result).toEqual({ error: 'CORRUPT_MESSAGE', message: expect.stringContaining(then) })
  })

  it('refuses to open more than it is told', () => {
    const bomb = encodeBatch([record({ value: new Uint8Array(1_000_000) })], { codec: 'zstd' })
    expect(decodeBatch(one(bomb), 999_999)).toMatchObject({ error: 'MESSAGE_TOO_LARGE' })
    expect(decodeBatch(one(bomb))).toHaveLength(1)
  })

  it('refuses a small batch of very many records or headers, which would fill memory as objects', () => {
    const none = record()
    const records = encodeBatch(
      Array.from({ length: 500_000 }, () => none),
      { codec: 'zstd' },
    )
    expect(records.length).toBeLessThan(1_000_000)
    expect(decodeBatch(one(records))).toMatchObject({ error: 'MESSAGE_TOO_LARGE' })
    const header = { key: '', value: null }
    const headers = encodeBatch([record({ headers: Array.from({ length: 600_000 }, () => header) })], { codec: 'zstd' })
    expect(decodeBatch(one(headers))).toMatchObject({ error: 'MESSAGE_TOO_LARGE' })
  })

  it('refuses a count that the bytes cannot hold, before it makes room for it', () => {
    const bytes = encodeBatch([record()])
    new DataView(bytes.buffer).setInt32(23, 2 ** 31 - 2)
    new DataView(bytes.buffer).setInt32(57, 2 ** 31 - 1)
    expect(decodeBatch(readBatches(bytes)[0]!)).toMatchObject({ error: 'CORRUPT_MESSAGE' })
  })

  it('refuses bytes that are not of the codec they name', () => {
    const bytes = encodeBatch([record()])
    for (const [id, codec] of codecs.entries()) {
      new DataView(bytes.buffer).setInt16(21, id)
      if (codec !== 'none')
        expect(decodeBatch(readBatches(bytes)[0]!)).toEqual({
          error: 'CORRUPT_MESSAGE',
          message: expect.stringContaining(codec),
        })
    }
    expect(compress('none', bytes)).toBe(bytes)
  })
})

describe('firstRecordWithoutKey', () => {
  const keyed = record({ key: utf8('k'), value: utf8('v'), headers: [{ key: 'h', value: utf8('x') }] })
  it.each([
    { given: [keyed, keyed], then: null },
    { given: [record(), keyed], then: 0 },
    { given: [keyed, record({ key: utf8('') }), record(), keyed], then: 2 },
  ])('of %j', ({ given, then }) => {
    for (const codec of codecs) expect(firstRecordWithoutKey(one(encodeBatch(given, { codec })))).toBe(then)
  })
})
