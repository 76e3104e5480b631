// The records of the bench: values of a given size, text as events are, the same in every run.

import { encodeBatch } from '../src/log/records.ts'

const WORDS = 'order paid shipped sensor degrees customer basket arrived delayed cancelled region amount'.split(' ')

/** Text of exactly so many characters of one byte. */
function text(bytes: number, seed: number): string {
  let out = ''
  for (let i = seed; out.length < bytes; i++) out += `${WORDS[(i * 7919) % WORDS.length]} ${(i * 104_729) % 10_007} `
  return out.slice(0, bytes)
}

/** A value in JSON that is stored as so many bytes, its quotes included. */
const jsonValue = (bytes: number, seed: number): string => JSON.stringify(text(bytes - 2, seed))

export const jsonRecord = (bytes: number, seed = 0): string => `{"value":${jsonValue(bytes, seed)}}`

export const jsonRecords = (count: number, bytes: number): string =>
  `[${Array.from({ length: count }, (_, i) => jsonRecord(bytes, i)).join(',')}]`

export function recordBatch(count: number, bytes: number): Uint8Array {
  const encoder = new TextEncoder()
  const timestamp = Date.now()
  return encodeBatch(
    Array.from({ length: count }, (_, i) => ({
      timestamp,
      key: null,
      value: encoder.encode(jsonValue(bytes, i)),
      headers: [],
    })),
  )
}
