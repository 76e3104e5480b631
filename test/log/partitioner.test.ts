import { describe, expect, it } from 'vitest'
import { murmur2, partitionFor } from '../../src/log/partitioner.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)

describe('murmur2', () => {
  // org.apache.kafka.common.utils.UtilsTest, and Utils.murmur2 of kafka-clients 4.3.1 for the rest
  it.each([
    ['', 275646681],
    ['a', -1563381124],
    ['21', -973932308],
    ['abc', 479470107],
    ['foobar', -790332482],
    ['größe', 588164084],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ])('of %j', (key, then) => {
    expect(murmur2(utf8(key))).toBe(then)
  })

  it('reads bytes as unsigned', () => {
    expect(murmur2(Uint8Array.of(255, 254, 253, 252, 251, 250, 249))).toBe(-166236347)
  })
})

describe('partitionFor', () => {
  // BuiltInPartitioner.partitionForKey of kafka-clients 4.3.1
  it.each([
    ['', 1, 2, 681],
    ['a', 4, 5, 524],
    ['foobar', 6, 0, 166],
    ['größe', 4, 4, 84],
    ['user-42', 4, 1, 460],
    ['a-little-bit-longer-string', 3, 0, 819],
    ['1234567', 6, 0, 222],
  ])('%j goes to %i of 8, %i of 7 and %i of 1000', (key, of8, of7, of1000) => {
    expect([8, 7, 1000].map(partitions => partitionFor(utf8(key), partitions))).toEqual([of8, of7, of1000])
  })

  it('of one partition is that one', () => {
    expect(partitionFor(utf8('anything'), 1)).toBe(0)
  })
})
