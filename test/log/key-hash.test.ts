import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { HASH_WORDS, hashKey } from '../../src/log/key-hash.ts'

it('is MD5, for keys of any length, wherever they stand', () => {
  const bytes = Uint8Array.from({ length: 400 }, (_, i) => (i * 167 + 13) & 0xff)
  const hash = new Int32Array(HASH_WORDS)
  for (const from of [0, 3])
    for (let to = from; to <= 300; to++) {
      hashKey(bytes, from, to, hash)
      const md5 = createHash('md5').update(bytes.subarray(from, to)).digest()
      expect([...hash]).toEqual([0, 4, 8, 12].map(at => md5.readInt32LE(at)))
    }
})
