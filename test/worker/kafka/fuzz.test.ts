// Frames as nobody should send them: real messages with bits flipped, bytes cut, doubled and replaced, in any pieces. They
// may be refused with ProtocolError or read as something else; nothing else may happen, and memory stays where it was.
// `FUZZ=1000000 npx vitest run --project node test/worker/kafka/fuzz.test.ts` runs a million; SEED repeats a run.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { Reader } from '../../../src/protocol/bytes.ts'
import { codecFor } from '../../../src/protocol/codec.ts'
import { ProtocolError } from '../../../src/protocol/errors.ts'
import {
  FrameReader,
  readRequestHeader,
  readResponseHeader,
  responseHeaderVersion,
} from '../../../src/protocol/frame.ts'
import { type AnyApi, isFlexible, serves } from '../../../src/worker/kafka/api.ts'
import { apis } from '../../../src/worker/kafka/apis.ts'

const runs = Number(process.env['FUZZ'] ?? 30_000)
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
/** Array buffers are freed behind the collector's back, some turns later. */
async function memory(): Promise<number> {
  for (let turn = 0; turn < 5; turn++) {
    collect()
    await new Promise(resolve => setImmediate(resolve))
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** mulberry32 */
function random(state: number): (below: number) => number {
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000) * below)
  }
}

const byKey = new Map(apis.map(api => [api.key, api]))
const known = (apiKey: number, version: number): AnyApi => {
  const api = byKey.get(apiKey)
  if (api === undefined || !serves(api, version)) throw new ProtocolError(`unknown API ${apiKey} v${version}`)
  return api
}

/** The frames of messages.txt, whole: size, header and body. */
const frames = readFileSync(join(import.meta.dirname, '../../fixtures/protocol/messages.txt'), 'utf8')
  .trimEnd()
  .split('\n')
  .map(line => {
    const [key, version, direction, hex] = line.split(' ') as [string, string, 'request' | 'response', string]
    const api = known(Number(key), Number(version))
    const tags = isFlexible(api, Number(version)) ? '00' : ''
    const word = (value: number): string => value.toString(16).padStart(4, '0')
    const header =
      direction === 'request'
        ? `${word(api.key)}${word(Number(version))}00000001000474657374${tags}`
        : `00000001${responseHeaderVersion(api.key, tags !== '') ? tags : ''}`
    const body = Buffer.from(header + hex, 'hex')
    const frame = Buffer.alloc(4 + body.length)
    frame.writeInt32BE(body.length)
    body.copy(frame, 4)
    return { api, version: Number(version), direction, frame }
  })

const nasty = [0x00, 0x01, 0x7f, 0x80, 0xff]

function mutated(frame: Buffer, below: (n: number) => number): Buffer {
  let bytes = Buffer.from(frame)
  for (let changes = 1 + below(4); changes > 0; changes--) {
    // Mostly behind the size, or nothing but the size would ever be tested.
    const at = below(8) === 0 ? below(bytes.length) : Math.min(4 + below(bytes.length), bytes.length - 1)
    const length = 1 + below(8)
    switch (below(5)) {
      case 0:
        bytes[at] = bytes[at]! ^ (1 << below(8))
        break
      case 1:
        bytes.fill(nasty[below(nasty.length)]!, at, Math.min(at + length, bytes.length))
        break
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
        break
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)])
        break
      default:
        for (let i = at; i < Math.min(at + length, bytes.length); i++) bytes[i] = below(256)
    }
    if (bytes.length < 5) return bytes
  }
  if (below(4) > 0) bytes.writeInt32BE(bytes.length - 4)
  return bytes
}

it(`survives ${runs} mutated frames (seed ${seed})`, { timeout: 600_000 }, async () => {
  const below = random(seed)
  const outcome = { read: 0, refused: 0, incomplete: 0 }
  const fuzz = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const { api, version, direction, frame } = frames[below(frames.length)]!
      const bytes = mutated(frame, below)
      const cut = below(bytes.length + 1)
      const stream = new FrameReader(1_000_000)
      try {
        let seen = 0
        for (const chunk of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
          for (const body of stream.push(chunk)) {
            const r = new Reader(body)
            if (direction === 'request') {
              const header = readRequestHeader(r, (key, v) => (isFlexible(known(key, v), v) ? 2 : 1))
              const asked = known(header.apiKey, header.version)
              codecFor(asked.request, header.version, isFlexible(asked, header.version)).read(r)
            } else {
              readResponseHeader(r, responseHeaderVersion(api.key, isFlexible(api, version)))
              codecFor(api.response, version, isFlexible(api, version)).read(r)
            }
            seen++
          }
        }
        if (seen > 0) outcome.read++
        else outcome.incomplete++
      } catch (error) {
        if (!(error instanceof ProtocolError))
          throw new Error(`${api.name} v${version} ${direction} ${bytes.toString('hex')}`, { cause: error })
        outcome.refused++
      }
    }
  }
  fuzz(Math.min(runs, 5_000)) // compiles every codec
  const before = await memory()
  fuzz(runs)
  const grown = (await memory()) - before
  if (process.env['FUZZ']) console.log(outcome, `memory ${(grown / 1e6).toFixed(1)} MB`)
  expect(grown).toBeLessThan(2_000_000)
  expect(outcome.read).toBeGreaterThan(runs / 10)
  expect(outcome.refused).toBeGreaterThan(runs / 10)
})
