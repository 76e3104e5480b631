// Random Kafka messages for property tests: whatever a message may say in a version, from its own literal.

import fc from 'fast-check'
import { type AnyField, inRange, type Message } from '../../src/protocol/schema.ts'

type Value = Record<string, unknown>

/** Of one to four bytes in UTF-8. */
const letters = fc.constantFrom(...'az09-._ \0\x7f\u0080éß߿ࠀ€漢\ufeff\ufffd\uffff😀𝄞')

/** A message with every field that its version has; tagged ones often hold their default. */
export function anyMessage(message: Message, version: number): fc.Arbitrary<Value> {
  const present = Object.entries(message).filter(([, field]) => inRange(field.versions, version))
  return fc.record(Object.fromEntries(present.map(([name, field]) => [name, anyField(field, version)])))
}

function anyField(field: AnyField, version: number): fc.Arbitrary<unknown> {
  const nullable = field.nullableVersions !== undefined && inRange(field.nullableVersions, version)
  const value = anyValue(field, version)
  return nullable ? fc.option(value, { freq: 4 }) : value
}

function anyValue(field: AnyField, version: number): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case 'bool':
      return fc.boolean()
    case 'int8':
      return fc.integer({ min: -0x80, max: 0x7f })
    case 'int16':
      return fc.integer({ min: -0x8000, max: 0x7fff })
    case 'int32':
      return fc.integer()
    case 'int64':
      return fc.maxSafeInteger()
    case 'float64':
      return fc.double({ noNaN: true })
    case 'uuid':
      return fc.uint8Array({ minLength: 16, maxLength: 16 }).map(id => Buffer.from(id).toString('base64url'))
    case 'string':
      return fc.string({ unit: letters, maxLength: 12 })
    case 'bytes':
    case 'records':
      return fc.uint8Array({ maxLength: 20 })
    case 'array':
      return fc.array(anyField(field.element!, version), { maxLength: 2 })
    case 'struct':
      return anyMessage(field.message!, version)
  }
}

/** Whether what was decoded says all that was encoded; fields that the version lacks come on top. */
export function says(decoded: unknown, encoded: unknown): boolean {
  if (typeof encoded !== 'object' || encoded === null) return Object.is(decoded, encoded)
  if (typeof decoded !== 'object' || decoded === null) return false
  if (Array.isArray(encoded) || encoded instanceof Uint8Array) {
    if ((decoded as unknown[]).length !== encoded.length) return false
  }
  return Object.entries(encoded).every(([name, value]) => says((decoded as Value)[name], value))
}
