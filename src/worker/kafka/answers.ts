// What the answers of several APIs have in common: an error with its sentence, and the operations allowed on a resource.

import { codeOf, type Failure } from '../../protocol/errors.ts'

/** Sentences may repeat what a client sent; a string on the wire ends at 32,767 bytes. */
const MAX_SENTENCE_LENGTH = 1_000

export const DONE = { errorCode: 0, errorMessage: null } as const

/** The error of one entry of a response. */
export const refused = ({ error, message }: Failure) => ({
  errorCode: codeOf(error),
  errorMessage: message.slice(0, MAX_SENTENCE_LENGTH),
})

// KIP-430: one bit an operation. Whoever may connect may do everything.
const operations = (...bits: number[]): number => bits.reduce((field, bit) => field | (1 << bit), 0)
const [READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE] = [3, 4, 5, 6, 7, 8] as const
const [CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE] = [9, 10, 11, 12] as const

export const TOPIC_OPERATIONS = operations(
  READ,
  WRITE,
  CREATE,
  DELETE,
  ALTER,
  DESCRIBE,
  DESCRIBE_CONFIGS,
  ALTER_CONFIGS,
)
export const CLUSTER_OPERATIONS = operations(
  CREATE,
  ALTER,
  DESCRIBE,
  CLUSTER_ACTION,
  DESCRIBE_CONFIGS,
  ALTER_CONFIGS,
  IDEMPOTENT_WRITE,
)
/** Nobody asked for them. */
export const NO_OPERATIONS = -2_147_483_648
