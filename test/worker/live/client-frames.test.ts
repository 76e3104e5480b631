import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readClientFrame } from '../../../src/worker/live/client-frames.ts'

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

it.each([
  ['{"type":"ping"}', { type: 'ping' }],
  [' { "type" : "pong", "more": [1, {"type": "credit"}] } ', { type: 'pong' }],
  ['{"type":"credit","records":0}', { type: 'credit', records: 0 }],
  ['{"records":5,"type":"credit"}', { type: 'credit', records: 5 }],
  ['{"type":"revoked"}', { type: 'revoked' }],
  ['{"type":"leave"}', { type: 'leave' }],
  [
    '{"type":"commit","id":[7],"offsets":[{"topic":"t","partition":1,"offset":2,"metadata":"é"},{"partition":0,"offset":0}]}',
    {
      type: 'commit',
      id: '[7]',
      offsets: [
        { topic: 't', partition: 1, offset: 2, metadata: 'é' },
        { partition: 0, offset: 0 },
      ],
    },
  ],
])('reads %s', (given, then) => {
  expect(readClientFrame(given)).toEqual(then)
  expect(readClientFrame(new TextEncoder().encode(given).slice().buffer)).toEqual(then)
})

it.each([
  ['{"type":"produce","id":1,"records":[{"value":1}]}', '1', undefined, '[{"value":1}]'],
  ['{"records": [ 1.50 ] ,"topic":"t","id":"é","type":"produce"}', '"é"', 't', '[ 1.50 ]'],
  ['{"type":"produce","records":{}}', 'null', undefined, '{}'],
  ['{"type":"produce","records":{},"topic":null}', 'null', undefined, '{}'],
])('reads %s, its records as they are written', (given, id, topic, records) => {
  const frame = readClientFrame(given)
  if (typeof frame === 'string' || frame.type !== 'produce') throw new Error(String(frame))
  expect([frame.id, frame.topic, text(frame.records)]).toEqual([id, topic, records])
})

it.each([
  ['', 'A frame must be a JSON object: expected {, but the text ends (byte 0).'],
  ['[]', 'A frame must be a JSON object: expected { (byte 0).'],
  ['{"type":"ping"} x', /more text/],
  ['{"type":"ping"', /but the text ends/],
  ['{}', /type of a frame/],
  ['{"type":1}', /type of a frame/],
  ['{"type":"credit"}', /integer from 0/],
  ['{"type":"credit","records":"5"}', /integer from 0/],
  ['{"type":"credit","records":1.5}', /integer from 0/],
  ['{"type":"credit","records":9007199254740993}', /integer from 0/],
  ['{"type":"credit","records":[]}', /integer from 0/],
  ['{"type":"produce"}', /must have records/],
  ['{"type":"produce","records":[],"topic":5}', /topic of a produce frame must be a string/],
  ['{"type":"commit"}', 'The offsets of a commit frame must be a list of 1 to 1000 objects.'],
  ['{"type":"commit","offsets":[]}', /must be a list of 1 to 1000/],
  ['{"type":"commit","offsets":[1]}', 'The offsets[0] of a commit frame must be an object.'],
  [
    '{"type":"commit","offsets":[{"partition":0,"offset":-1}]}',
    /offsets\[0\]\.offset of a commit frame must be an integer/,
  ],
  ['{"type":"commit","offsets":[{"partition":0,"offset":9007199254740993}]}', /must be an integer/],
  [`{"type":"produce","records":[],"id":"${'x'.repeat(300)}"}`, /256 characters/],
])('refuses %s', (given, then) => {
  expect(readClientFrame(given)).toEqual(then instanceof RegExp ? expect.stringMatching(then) : then)
})

it('refuses bytes that are no text', () => {
  expect(readClientFrame(Uint8Array.of(0x7b, 0xff, 0x7d).buffer)).toBe('A frame must be UTF-8.')
})

it('never throws, whatever it is given', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.uint8Array().map(bytes => bytes.slice().buffer),
      ),
      given => {
        readClientFrame(given)
      },
    ),
    { numRuns: 300 },
  )
})
