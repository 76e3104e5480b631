// What the handlers of transactional APIs share.

import type { ErrorName } from '../../protocol/errors.ts'

/** PRODUCER_FENCED is a word that came with some version of each API; before, it was INVALID_PRODUCER_EPOCH (KIP-588). */
export const inWordsOf = (version: number, since: number, error: ErrorName): ErrorName =>
  error === 'PRODUCER_FENCED' && version < since ? 'INVALID_PRODUCER_EPOCH' : error
