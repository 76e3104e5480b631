// A datum of a JSON schema is its JSON text. It is checked on the way in, and taken as it is on the way out.

import { BadDatum, exact } from '../datum.ts'
import type { JsonSchema } from './schema.ts'
import { validateJson } from './validate.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/** Throws BadDatum. */
export function encodeJson({ resources }: JsonSchema, value: unknown): Uint8Array {
  validateJson(resources, value)
  return encoder.encode(stringify(value))
}

function stringify(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? exact(item) : item))
  }
}

/** The digits of a number, which a reviver is told besides what became of them. Not yet in TypeScript's library. */
type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown

const keepDigits: Reviver = (_, value, { source }) =>
  typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d{1,20}$/.test(source ?? '')
    ? exact(BigInt(source!))
    : value

/** Throws BadDatum. */
export function decodeJson(bytes: Uint8Array): unknown {
  try {
    const text = decoder.decode(bytes)
    return /\d{16}/.test(text)
      ? JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown)
      : JSON.parse(text)
  } catch (error) {
    throw new BadDatum(undefined, `not JSON: ${(error as Error).message}`)
  }
}
