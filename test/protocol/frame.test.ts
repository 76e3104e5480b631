import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Reader } from '../../src/protocol/bytes.ts'
import { codecFor } from '../../src/protocol/codec.ts'
import { ProtocolError } from '../../src/protocol/errors.ts'
import {
  FrameReader,
  MAX_FRAME_BYTES,
  readRequestHeader,
  readResponseHeader,
  requestFrame,
  type RequestHeaderVersion,
  responseFrame,
  responseHeaderVersion,
} from '../../src/protocol/frame.ts'
import { int8, records } from '../../src/protocol/schema.ts'

const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const framed = (body: Uint8Array): Buffer => {
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

describe('a stream of frames', () => {
  it('reads the same, wherever it is cut', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 })
    const cuts = fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 10 })
    fc.assert(
      fc.property(bodies, cuts, (expected, sizes) => {
        const stream = Buffer.concat(expected.map(framed))
        const frames = new FrameReader()
        const seen: Uint8Array[] = []
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = i < 30 ? sizes[i % sizes.length]! : 50
          seen.push(...frames.push(new Uint8Array(stream.subarray(at, at + size))))
          at += size
        }
        expect(seen.map(frame => [...frame])).toEqual(expected.map(body => [...body]))
        expect(frames.heldBytes).toBe(0)
      }),
      { numRuns: 300 },
    )
  })

  it('gives a large frame in pieces back whole, and keeps earlier frames as they were', () => {
    const large = new Uint8Array(1_000_000).map((_, i) => i)
    const stream = Buffer.concat([framed(large), framed(large)])
    const frames = new FrameReader()
    const seen: Uint8Array[] = []
    for (let at = 0; at < stream.length; at += 65_536) seen.push(...frames.push(stream.subarray(at, at + 65_536)))
    expect(seen.map(frame => Buffer.compare(frame, large))).toEqual([0, 0])
  })

  it('takes a frame that came whole as a view', () => {
    const chunk = new Uint8Array(framed(unhex('0102')))
    const [frame] = new FrameReader().push(chunk)
    expect(frame!.buffer).toBe(chunk.buffer)
  })

  const refused = [
    { why: 'a negative size', chunks: ['ffffffff'] },
    { why: 'a size of 2 GB', chunks: ['7fffffff'] },
    { why: 'a size above the bound, cut', chunks: ['00', '00', '04', '01'] },
    { why: 'an HTTP request', chunks: [Buffer.from('GET / HTTP/1.1\r\n').toString('hex')] },
    { why: 'a TLS hello', chunks: ['16030100'] },
  ]
  for (const { why, chunks } of refused) {
    it(`refuses ${why}`, () => {
      const frames = new FrameReader(1024)
      expect(() => chunks.map(chunk => [...frames.push(unhex(chunk))])).toThrow(ProtocolError)
    })
  }

  it('gives the good frames before a bad size', () => {
    const seen: number[] = []
    expect(() => {
      for (const frame of new FrameReader().push(unhex('00000001aa' + 'ffffffff'))) seen.push(frame[0]!)
    }).toThrow(ProtocolError)
    expect(seen).toEqual([0xaa])
  })

  it('takes no memory on the word of a size', () => {
    const before = process.memoryUsage().arrayBuffers
    const readers = Array.from({ length: 100 }, () => new FrameReader())
    const claim = Buffer.alloc(5)
    claim.writeInt32BE(MAX_FRAME_BYTES)
    for (const reader of readers) expect([...reader.push(claim)]).toEqual([])
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000)
    expect(readers[0]!.heldBytes).toBe(5)
  })
})

describe('headers', () => {
  const codec = codecFor({ a: int8() }, 0, false)

  for (const layout of [0, 1, 2] as RequestHeaderVersion[]) {
    it(`a request header of version ${layout} reads as written`, () => {
      const header = { apiKey: 3, version: 9, correlationId: 77, clientId: layout > 0 ? 'rdkafka' : null }
      const [frame] = new FrameReader().push(requestFrame(header, layout, codec, { a: 5 }))
      const r = new Reader(frame!)
      expect(readRequestHeader(r, () => layout)).toEqual(header)
      expect(codec.read(r)).toEqual({ a: 5 })
    })
  }

  it('a client id may be null, and tags are stepped over', () => {
    const r = new Reader(unhex('00030009' + '00000001' + 'ffff' + '01' + '05' + '02' + 'abcd' + '2a'))
    expect(readRequestHeader(r, () => 2).clientId).toBeNull()
    expect(r.int8()).toBe(42)
  })

  it('a response header has tags in flexible versions, but never for ApiVersions', () => {
    expect([responseHeaderVersion(3, false), responseHeaderVersion(3, true), responseHeaderVersion(18, true)]).toEqual([
      0, 1, 0,
    ])
    for (const layout of [0, 1] as const) {
      const [frame] = new FrameReader().push(Buffer.concat(responseFrame(-7, layout, codec, { a: 5 })))
      const r = new Reader(frame!)
      expect(readResponseHeader(r, layout)).toBe(-7)
      expect(codec.read(r)).toEqual({ a: 5 })
    }
  })

  it('large bytes leave as they are, in a frame that says how long it is with them', () => {
    const message = { before: int8(), records: records(), between: int8(), more: records(), after: int8() }
    const large = codecFor(message, 0, true)
    const response = {
      before: 1,
      records: new Uint8Array(70_000).fill(7),
      between: 2,
      more: new Uint8Array(65_536),
      after: 3,
    }
    const parts = responseFrame(9, 1, large, response)
    expect(parts.map(({ length }) => length)).toEqual([13, 70_000, 4, 65_536, 2])
    expect([parts[1], parts[3]]).toEqual([response.records, response.more])
    const [frame] = new FrameReader().push(new Uint8Array(Buffer.concat(parts)))
    const r = new Reader(frame!)
    expect(readResponseHeader(r, 1)).toBe(9)
    expect(large.read(r)).toEqual(response)
    const header = { apiKey: 0, version: 0, correlationId: 9, clientId: null }
    const request = requestFrame(header, 1, large, response)
    expect(large.read(new Reader(request.subarray(4 + 10)))).toEqual(response)
    expect(request.length).toBe(4 + 10 + frame!.length - 5)
  })

  const broken = ['', '0003', '00030009000000', '0003000900000001', '0003000900000001fffe', '0003000900000001000561']
  for (const hex of broken) {
    it(`refuses the request header '${hex}'`, () =>
      expect(() => readRequestHeader(new Reader(unhex(hex)), () => 2)).toThrow(ProtocolError))
  }
})
