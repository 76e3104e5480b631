// One message in one version, compiled to a reader and a writer. Versions, nullability and encodings are decided here, once;
// what remains is a flat walk over the fields. Bytes that don't fit the message throw ProtocolError, and nothing is ever
// allocated on the word of a length that the remaining bytes can't back.

import { type Reader, utf8Length, Writer, ZERO_UUID } from './bytes.ts'
import { ProtocolError } from './errors.ts'
import { type AnyField, type Decoded, type Encodable, inRange, type Message } from './schema.ts'

/** Kafka's own limit for a string, in either encoding. */
const MAX_STRING_BYTES = 0x7fff

export interface MessageCodec<M extends Message> {
  /** Leaves the reader behind the message. Throws ProtocolError. */
  read(r: Reader): Decoded<M>
  write(w: Writer, value: Encodable<M>): void
}

interface Codec {
  /** No value takes fewer. */
  readonly minBytes: number
  read(r: Reader): unknown
  // oxlint-disable-next-line typescript/no-explicit-any -- each kind takes its own type, which the schema's types hold
  write(w: Writer, value: any): void
}

const compiled = new WeakMap<Message, Map<number, MessageCodec<Message>>>()

/** The codec of one message in one version; compiled at the first call. */
export function codecFor<M extends Message>(message: M, version: number, flexible: boolean): MessageCodec<M> {
  let versions = compiled.get(message)
  if (versions === undefined) compiled.set(message, (versions = new Map()))
  const key = version * 2 + Number(flexible)
  let codec = versions.get(key)
  if (codec === undefined) versions.set(key, (codec = compile(message, version, flexible)))
  return codec as unknown as MessageCodec<M>
}

function compile(message: Message, version: number, flexible: boolean): MessageCodec<Message> {
  const codec = structCodec(message, version, flexible)
  return {
    read(r) {
      try {
        return codec.read(r) as Decoded<Message>
      } catch (error) {
        throw error instanceof RangeError ? new ProtocolError(error.message) : error
      }
    },
    write: (w, value) => codec.write(w, value),
  }
}

const fixed: Partial<Record<string, Codec>> = {
  bool: { minBytes: 1, read: r => r.int8() !== 0, write: (w, value) => w.int8(value ? 1 : 0) },
  int8: { minBytes: 1, read: r => r.int8(), write: (w, value) => w.int8(value) },
  int16: { minBytes: 2, read: r => r.int16(), write: (w, value) => w.int16(value) },
  int32: { minBytes: 4, read: r => r.int32(), write: (w, value) => w.int32(value) },
  int64: { minBytes: 8, read: r => r.int64Clamped(), write: (w, value) => w.int64(value) },
  float64: { minBytes: 8, read: r => r.float64(), write: (w, value) => w.float64(value) },
  uuid: { minBytes: 16, read: r => r.uuid(), write: (w, value) => w.uuid(value) },
}

function fieldCodec(field: AnyField, version: number, flexible: boolean): Codec {
  const nullable = field.nullableVersions !== undefined && inRange(field.nullableVersions, version)
  switch (field.kind) {
    case 'string':
      return stringCodec(lengthCodec(flexible, 'int16', nullable))
    case 'bytes':
    case 'records':
      return bytesCodec(lengthCodec(flexible, 'int32', nullable))
    case 'array':
      return arrayCodec(lengthCodec(flexible, 'int32', nullable), fieldCodec(field.element!, version, flexible))
    case 'struct': {
      const codec = structCodec(field.message!, version, flexible)
      return nullable ? nullableStructCodec(codec) : codec
    }
    default:
      return fixed[field.kind]!
  }
}

/** The length before a string, bytes or array; -1 stands for null. */
interface LengthCodec {
  readonly minBytes: number
  read(r: Reader): number
  write(w: Writer, length: number): void
}

function lengthCodec(flexible: boolean, plain: 'int16' | 'int32', nullable: boolean): LengthCodec {
  const shortest = nullable ? -1 : 0
  const checked = (length: number): number => {
    if (length < shortest) throw new RangeError(length === -1 ? 'null where none may be' : `length ${length}`)
    return length
  }
  if (flexible) {
    return {
      minBytes: 1,
      read: r => checked(r.uvarint() - 1),
      write: (w, length) => w.uvarint(checked(length) + 1),
    }
  }
  return plain === 'int16'
    ? { minBytes: 2, read: r => checked(r.int16()), write: (w, length) => w.int16(checked(length)) }
    : { minBytes: 4, read: r => checked(r.int32()), write: (w, length) => w.int32(checked(length)) }
}

function stringCodec(length: LengthCodec): Codec {
  const checked = (size: number): number => {
    if (size > MAX_STRING_BYTES) throw new RangeError(`string of ${size} bytes`)
    return size
  }
  return {
    minBytes: length.minBytes,
    read(r) {
      const size = length.read(r)
      return size < 0 ? null : r.string(checked(size))
    },
    write(w, value: string | null) {
      if (value === null) return length.write(w, -1)
      length.write(w, checked(utf8Length(value)))
      w.string(value)
    },
  }
}

function bytesCodec(length: LengthCodec): Codec {
  return {
    minBytes: length.minBytes,
    read(r) {
      const size = length.read(r)
      return size < 0 ? null : r.slice(size)
    },
    write(w, value: Uint8Array | null) {
      if (value === null) return length.write(w, -1)
      length.write(w, value.length)
      w.apart(value)
    },
  }
}

function arrayCodec(length: LengthCodec, element: Codec): Codec {
  return {
    minBytes: length.minBytes,
    read(r) {
      const count = length.read(r)
      if (count < 0) return null
      r.elements -= count
      if (count * element.minBytes > r.remaining || r.elements < 0) {
        throw new RangeError(`array of ${count} in ${r.remaining} bytes`)
      }
      const items: unknown[] = []
      for (let i = 0; i < count; i++) items.push(element.read(r))
      return items
    },
    write(w, value: readonly unknown[] | null) {
      if (value === null) return length.write(w, -1)
      length.write(w, value.length)
      for (const item of value) element.write(w, item)
    },
  }
}

/** A struct that may be null has a byte before it. */
function nullableStructCodec(codec: Codec): Codec {
  return {
    minBytes: 1,
    read: r => (r.int8() < 0 ? null : codec.read(r)),
    write(w, value: object | null) {
      w.int8(value === null ? -1 : 1)
      if (value !== null) codec.write(w, value)
    },
  }
}

interface Part {
  readonly name: string
  readonly field: AnyField
  readonly codec: Codec
  readonly fallback: unknown
}

function structCodec(message: Message, version: number, flexible: boolean): Codec {
  const plain: Part[] = []
  const tagged: Part[] = []
  const absent: Part[] = []
  for (const [name, field] of Object.entries(message)) {
    const present = inRange(field.versions, version)
    const part = {
      name,
      field,
      codec: fieldCodec(field, version, flexible),
      fallback: fallbackOf(field, present, version),
    }
    if (!present) absent.push(part)
    else if (field.tag === undefined) plain.push(part)
    else tagged.push(part)
  }
  tagged.sort((a, b) => a.field.tag! - b.field.tag!)
  const unread = [...absent, ...tagged]

  return {
    minBytes: plain.reduce((sum, part) => sum + part.codec.minBytes, flexible ? 1 : 0),
    read(r) {
      const value: Record<string, unknown> = {}
      for (const part of plain) value[part.name] = part.codec.read(r)
      for (const part of unread) value[part.name] = part.fallback
      if (flexible) readTagged(r, tagged, value)
      return value
    },
    write(w, value: Record<string, unknown>) {
      for (const part of plain) {
        const given = value[part.name]
        part.codec.write(w, given === undefined ? part.fallback : given)
      }
      if (flexible) writeTagged(w, tagged, value)
    },
  }
}

/** Tags that the version doesn't know are stepped over: a newer client may send them. */
function readTagged(r: Reader, tagged: readonly Part[], value: Record<string, unknown>): void {
  for (let count = r.uvarint(); count > 0; count--) {
    const tag = r.uvarint()
    const size = r.uvarint()
    const part = tagged.find(({ field }) => field.tag === tag)
    if (part === undefined) {
      r.skip(size)
      continue
    }
    const end = r.at + size
    value[part.name] = part.codec.read(r)
    if (r.at !== end) throw new RangeError(`tagged field ${part.name} ends at ${r.at} instead of ${end}`)
  }
}

function writeTagged(w: Writer, tagged: readonly Part[], value: Record<string, unknown>): void {
  const sent = tagged.filter(({ name, field, fallback }) => !isDefault(field, value[name], fallback))
  w.uvarint(sent.length)
  for (const { name, field, codec } of sent) {
    const inner = new Writer()
    codec.write(inner, value[name])
    const bytes = inner.done()
    w.uvarint(field.tag!)
    w.uvarint(bytes.length)
    w.bytes(bytes)
  }
}

/** What stands for a field that isn't there; a default of null gives way in a version that can't say null. */
function fallbackOf(field: AnyField, present: boolean, version: number): unknown {
  const sayable = field.default !== null || !present || inRange(field.nullableVersions!, version)
  if (field.default !== undefined && sayable) return field.default
  switch (field.kind) {
    case 'bool':
      return false
    case 'string':
      return ''
    case 'uuid':
      return ZERO_UUID
    case 'bytes':
    case 'records':
      return new Uint8Array(0)
    case 'array':
      return Object.freeze([])
    case 'struct': {
      const fields = Object.entries(field.message!)
      return Object.freeze(Object.fromEntries(fields.map(([name, inner]) => [name, fallbackOf(inner, false, version)])))
    }
    default:
      return 0
  }
}

function isDefault(field: AnyField, value: unknown, fallback: unknown): boolean {
  if (value === undefined || value === fallback) return true
  if (value === null || fallback === null) return false
  if (field.kind === 'struct') {
    return Object.entries(field.message!).every(([name, inner]) =>
      isDefault(inner, (value as Message)[name], (fallback as Message)[name]),
    )
  }
  const lists = field.kind === 'array' || field.kind === 'bytes' || field.kind === 'records'
  return lists && (value as unknown[]).length === 0 && (fallback as unknown[]).length === 0
}
