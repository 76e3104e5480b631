// The records of __transaction_state against what Kafka's own coordinator writes (test/fixtures/transactions).

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { decode, encode } from '../../src/coordinator/transaction-state.ts'

const path = join(import.meta.dirname, '../fixtures/transactions/records.txt')
const bytes = (hex: string) => (hex === '-' ? null : new Uint8Array(Buffer.from(hex, 'hex')))
const records = readFileSync(path, 'utf8')
  .trim()
  .split('\n')
  .map(line => line.split(' ') as [string, string, string])

describe('every record that Kafka writes', () => {
  for (const [name, key, value] of records)
    it(name, () => {
      const record = { key: bytes(key)!, value: bytes(value) }
      const { of, fact } = decode(record)!
      expect(of).toBe('orders-1')
      if (name === 'gone') expect(fact).toEqual({ type: 'transaction', value: null })
      else expect(fact).toMatchObject({ value: { producerId: 4000, timeoutMs: 60_000, status: name.split('-')[0] } })
      if (!name.endsWith('v0')) expect(encode(fact, of)).toEqual(record)
    })
})

it('leaves alone what it does not know', () => {
  expect(decode({ key: new Uint8Array([0, 9, 0, 1, 103]), value: null })).toBeUndefined()
  const [, key, value] = records[0]!
  const newer = bytes(value)!
  newer[1] = 2
  expect(decode({ key: bytes(key)!, value: newer })).toBeUndefined()
})
