import { expect, it } from 'vitest'
import { partitionFor } from '../../src/coordinator/partition-for.ts'

// What java.lang.String.hashCode says of these, made positive as Kafka's Utils.abs does.
it.each([
  ['', 0],
  ['g', 103 % 50],
  ['my-group', 1_906_497_762 % 50],
  ['Ünïcödé', 1_055_431_381 % 50],
  ['polygenelubricants', 0],
])('%s → %i', (groupId, partition) => expect(partitionFor(groupId, 50)).toBe(partition))
