import { describe, expect, it } from 'vitest'
import {
  type Batch,
  codecOf,
  isControl,
  isTransactional,
  lastOffset,
  lastSequence,
  parseBatches,
  readBatches,
  stamp,
  usesLogAppendTime,
} from '../../src/log/batch.ts'
import { crc32c } from '../../src/log/crc32c.ts'
import { encodeBatch } from '../../src/log/records.ts'
import { isFailure } from '../../src/protocol/errors.ts'
import { fixture } from '../fixtures/batches/fixture.ts'

const base = 1_700_000_000_000
const java = fixture('kafka-clients')

function parse(bytes: Uint8Array): Batch[] {
  const batches = parseBatches(bytes)
  if (isFailure(batches)) throw new Error(`${batches.error}: ${batches.message}`)
  return batches
}

const one = (bytes: Uint8Array): Batch => parse(bytes)[0]!
const record = (value: string) => ({ timestamp: base, key: null, value: new TextEncoder().encode(value), headers: [] })
const three = () => encodeBatch([record('a'), record('b'), record('c')])

/** The batch with some of its bytes changed; with its checksum made right again unless told. */
function changed(change: (view: DataView) => void, { checksum = true } = {}): Uint8Array {
  const bytes = three()
  const view = new DataView(bytes.buffer)
  change(view)
  if (checksum) view.setUint32(17, crc32c(bytes, 21))
  return bytes
}

function joined(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

describe('a batch that kafka-clients made', () => {
  const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

  it.each(codecs)('reads as it was meant, %s', codec => {
    const batch = one(java.get(`${codec} plain`)!)
    expect(batch).toMatchObject({
      baseOffset: 1234,
      lastOffsetDelta: 4,
      leaderEpoch: 7,
      baseTimestamp: base,
      maxTimestamp: base + 5_000_000_000,
      producerId: -1,
      producerEpoch: -1,
      baseSequence: -1,
      count: 5,
    })
    expect(lastOffset(batch)).toBe(1238)
    expect(lastSequence(batch)).toBe(-1)
    expect(codecOf(batch)).toBe(codec)
    expect([isControl(batch), isTransactional(batch), usesLogAppendTime(batch)]).toEqual([false, false, false])
  })

  it.each(codecs)('says when it was appended, %s', codec => {
    const batch = one(java.get(`${codec} append time`)!)
    expect(usesLogAppendTime(batch)).toBe(true)
    expect(batch.maxTimestamp).toBe(base + 999)
  })

  it.each(codecs)('says who produced it, to the largest id and over the end of sequences, %s', codec => {
    const batch = one(java.get(`${codec} transactional`)!)
    expect(batch).toMatchObject({
      producerId: Number.MAX_SAFE_INTEGER,
      producerEpoch: 32767,
      baseSequence: 2 ** 31 - 2,
    })
    expect(lastSequence(batch)).toBe(1)
    expect(isTransactional(batch)).toBe(true)
    expect(isTransactional(one(java.get(`${codec} idempotent`)!))).toBe(false)
  })

  it.each(['control commit', 'control abort'])('marks the end of a transaction, %s', name => {
    const batch = one(java.get(name)!)
    expect([isControl(batch), isTransactional(batch), batch.producerId, batch.count]).toEqual([true, true, 4711, 1])
  })

  it('stands one after the other', () => {
    const names = ['gzip plain', 'control commit', 'none idempotent']
    const bytes = joined(...names.map(name => java.get(name)!))
    expect(parse(bytes).map(batch => batch.baseOffset)).toEqual([1234, 88, 0])
    expect(parse(bytes).map(batch => batch.bytes)).toEqual(names.map(name => java.get(name)!))
    expect(readBatches(bytes)).toEqual(parse(bytes))
  })
})

describe('stamp', () => {
  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    'makes the append-time batch that kafka-clients makes, %s',
    codec => {
      const stamped = stamp(one(java.get(`${codec} plain`)!.slice()), {
        baseOffset: 1234,
        leaderEpoch: 7,
        logAppendTime: base + 999,
      })
      // Java's gzip and zstd streams are the same bytes, as the records are.
      expect(stamped.bytes).toEqual(java.get(`${codec} append time`)!)
      expect(one(stamped.bytes)).toEqual(stamped)
    },
  )

  it('writes offset and epoch in place and leaves the checksum right', () => {
    const bytes = joined(three(), three())
    const [first, second] = parse(bytes)
    const stamped = [
      stamp(first!, { baseOffset: Number.MAX_SAFE_INTEGER - 2, leaderEpoch: 9 }),
      stamp(second!, { baseOffset: 2 ** 32 + 5, leaderEpoch: 2 ** 31 - 1 }),
    ]
    expect(parse(bytes)).toEqual(stamped)
    expect(stamped.map(batch => [batch.baseOffset, batch.leaderEpoch])).toEqual([
      [Number.MAX_SAFE_INTEGER - 2, 9],
      [2 ** 32 + 5, 2 ** 31 - 1],
    ])
  })
})

describe('parseBatches refuses', () => {
  const corrupt = 'CORRUPT_MESSAGE'
  const invalid = 'INVALID_RECORD'
  it.each([
    { given: 'nothing', bytes: new Uint8Array(), then: invalid },
    { given: 'a batch cut before its magic', bytes: three().subarray(0, 16), then: invalid },
    { given: 'a batch cut in its header', bytes: three().subarray(0, 60), then: invalid },
    { given: 'a batch cut in its records', bytes: three().subarray(0, -1), then: invalid },
    { given: 'a second batch cut off', bytes: joined(three(), three().subarray(0, 70)), then: invalid },
    {
      given: 'a second batch damaged',
      bytes: joined(
        three(),
        changed(v => v.setInt8(70, 1), { checksum: false }),
      ),
      then: corrupt,
    },
    {
      given: 'magic 0',
      bytes: changed(v => v.setInt8(16, 0)),
      then: 'UNSUPPORTED_FOR_MESSAGE_FORMAT',
      says: 'magic 0',
    },
    {
      given: 'magic 1',
      bytes: changed(v => v.setInt8(16, 1)),
      then: 'UNSUPPORTED_FOR_MESSAGE_FORMAT',
      says: 'magic 1',
    },
    {
      given: 'magic 3',
      bytes: changed(v => v.setInt8(16, 3)),
      then: 'UNSUPPORTED_FOR_MESSAGE_FORMAT',
      says: 'magic 3',
    },
    { given: 'a negative length', bytes: changed(v => v.setInt32(8, -1)), then: corrupt },
    { given: 'length 0', bytes: changed(v => v.setInt32(8, 0)), then: corrupt },
    { given: 'a length shorter than a header', bytes: changed(v => v.setInt32(8, 48)), then: corrupt },
    { given: 'the largest length', bytes: changed(v => v.setInt32(8, 2 ** 31 - 1)), then: invalid },
    {
      given: 'a wrong checksum',
      bytes: changed(v => v.setUint32(17, 1), { checksum: false }),
      then: corrupt,
      says: '00000001',
    },
    { given: 'count 0', bytes: changed(v => v.setInt32(57, 0)), then: invalid },
    { given: 'a negative count', bytes: changed(v => v.setInt32(57, -3)), then: invalid },
    {
      given: 'a count that is not the offsets',
      bytes: changed(v => v.setInt32(57, 4)),
      then: invalid,
      says: '3 offsets',
    },
    {
      given: 'more records than there are bytes for',
      bytes: changed(v => (v.setInt32(23, 2 ** 31 - 2), v.setInt32(57, 2 ** 31 - 1))),
      then: invalid,
      says: 'cannot hold 2147483647 records',
    },
    {
      given: 'more records than anybody could open',
      bytes: changed(v => (v.setInt16(21, 4), v.setInt32(23, 2 ** 31 - 2), v.setInt32(57, 2 ** 31 - 1))),
      then: invalid,
      says: 'cannot hold 2147483647 records',
    },
    { given: 'a negative last offset delta', bytes: changed(v => v.setInt32(23, -1)), then: invalid },
    { given: 'codec 5', bytes: changed(v => v.setInt16(21, 5)), then: 'UNSUPPORTED_COMPRESSION_TYPE', says: 'codec 5' },
    { given: 'codec 7', bytes: changed(v => v.setInt16(21, 7)), then: 'UNSUPPORTED_COMPRESSION_TYPE' },
    {
      given: 'a producer id of 2^53',
      bytes: changed(v => v.setBigInt64(43, 2n ** 53n)),
      then: invalid,
      says: 'producerId',
    },
    { given: 'a base timestamp of 2^63 - 1', bytes: changed(v => v.setBigInt64(27, 2n ** 63n - 1n)), then: invalid },
    { given: 'a max timestamp of -2^63', bytes: changed(v => v.setBigInt64(35, -(2n ** 63n))), then: invalid },
    { given: 'a base offset of 2^53', bytes: changed(v => v.setBigInt64(0, 2n ** 53n)), then: invalid },
  ])('$given', ({ bytes, then, says }) => {
    expect(parseBatches(bytes)).toEqual({ error: then, message: expect.stringContaining(says ?? '') })
  })

  it('or reads differently, whichever byte is changed, and to whatever', () => {
    const whole = one(three())
    for (let at = 0; at < whole.bytes.length; at++)
      for (let value = 0; value < 256; value++) {
        const bytes = three()
        if (bytes[at] === value) continue
        bytes[at] = value
        const batches = parseBatches(bytes)
        if (isFailure(batches)) continue
        const [batch] = batches
        if (batch!.baseOffset === whole.baseOffset && batch!.leaderEpoch === whole.leaderEpoch)
          expect.fail(`byte ${at} changed to ${value} went unseen`)
      }
  })
})

describe('readBatches', () => {
  it('leaves out a partial last batch, wherever it is cut', () => {
    const bytes = joined(three(), three())
    for (let length = 0; length < bytes.length; length++)
      expect(readBatches(bytes.subarray(0, length)).length).toBe(length < bytes.length / 2 ? 0 : 1)
    expect(readBatches(bytes).length).toBe(2)
  })

  it('reads a view that starts anywhere', () => {
    const bytes = joined(Uint8Array.of(1, 2, 3), three(), three())
    expect(readBatches(bytes.subarray(3)).map(batch => batch.bytes)).toEqual([three(), three()])
  })
})
