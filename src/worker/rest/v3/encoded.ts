// A key or value of v3 as the bytes that are stored, and what the answer tells of it.

import { embed } from '../embedded.ts'
import { isRestFailure, type RestFailure, restFailure } from '../errors.ts'
import { type EmbeddedData, isPlainType } from './record.ts'

/** In an answer, by the names it has there. */
export interface Told {
  readonly type: string
  readonly size: number
  readonly subject?: string
  readonly schema_id?: number
  readonly schema_version?: number
}

export interface Encoded {
  readonly bytes: Uint8Array | null
  readonly told: Told | undefined
}

const NONE: Encoded = { bytes: null, told: undefined }

export function encode(data: EmbeddedData | undefined): Encoded | RestFailure {
  if (data === undefined) return NONE
  const { type } = data
  if (type === undefined || !isPlainType(type)) return NO_REGISTRY
  const bytes = embed(type, data.data)
  return isRestFailure(bytes) ? bytes : { bytes, told: { type, size: bytes?.length ?? 0 } }
}

const NO_REGISTRY = restFailure(
  422,
  'Error: 42206 : Payload error. Schema Registry must be configured when using schemas.',
)
