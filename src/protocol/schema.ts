// A small language for Kafka messages. A message is an object literal whose keys are the fields in wire order, with names,
// versions and defaults as in Kafka's own message definitions; TypeScript infers what it decodes to and encodes from, so a
// message is written once. codec.ts turns a message and a version into its reader and writer.

/** As Kafka spells it: from a version on, a range, or one version. */
export type Versions = `${number}+` | `${number}-${number}` | `${number}`

export type Kind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'float64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records'
  | 'array'
  | 'struct'

/** One field: what it is on the wire, in which versions, and what stands in for it in the others. */
export class Field<Decodes, Encodes = Decodes, Optional extends boolean = false> {
  // For the compiler only: what decoding yields, what encoding takes, whether encoding may leave it out.
  declare readonly decodes: Decodes
  declare readonly encodes: Encodes
  declare readonly optional: Optional

  readonly kind: Kind
  /** Of an array: what it holds. */
  readonly element: AnyField | undefined
  /** Of a struct: its fields. */
  readonly message: Message | undefined
  readonly versions: Versions = '0+'
  readonly nullableVersions: Versions | undefined = undefined
  readonly tag: number | undefined = undefined
  /** Undefined: the zero of its kind. */
  readonly default: unknown = undefined

  constructor(kind: Kind, element?: AnyField, message?: Message) {
    this.kind = kind
    this.element = element
    this.message = message
  }

  /** Present in these versions only; in others it decodes to its default and is not sent. */
  in(versions: Versions): Field<Decodes, Encodes, true> {
    return changed(this, { versions })
  }

  nullable(nullableVersions: Versions = '0+'): Field<Decodes | null, Encodes | null, Optional> {
    return changed(this, { nullableVersions })
  }

  /** Sent with its tag (KIP-482), and only where it differs from its default. */
  tagged(tag: number, versions: Versions): Field<Decodes, Encodes, true> {
    return changed(this, { tag, versions })
  }

  /** A default other than the zero of its kind, or the permission to leave the field out when encoding. */
  or(value: Decodes & Encodes): Field<Decodes, Encodes, true> {
    return changed(this, { default: value })
  }
}

const changed = <F>(field: object, change: object): F =>
  Object.assign(Object.create(Field.prototype) as object, field, change) as F

// oxlint-disable-next-line typescript/no-explicit-any -- a field of whatever type
export type AnyField = Field<any, any, boolean>
export interface Message {
  readonly [name: string]: AnyField
}

/** What decoding yields: every field is there, whatever the version. */
export type Decoded<M extends Message> = { readonly [K in keyof M]: M[K]['decodes'] }

/** What encoding takes: a field with a default may be left out. */
export type Encodable<M extends Message> = {
  readonly [K in keyof M as M[K]['optional'] extends true ? never : K]: M[K]['encodes']
} & {
  readonly [K in keyof M as M[K]['optional'] extends true ? K : never]?: M[K]['encodes'] | undefined
}

export const bool = () => new Field<boolean>('bool')
export const int8 = () => new Field<number>('int8')
export const int16 = () => new Field<number>('int16')
export const int32 = () => new Field<number>('int32')
/** A number, exact within 2^53; beyond, it decodes to the end of that range. */
export const int64 = () => new Field<number>('int64')
export const float64 = () => new Field<number>('float64')
/** A topic id as Kafka prints it: 22 characters of URL-safe base64. */
export const uuid = () => new Field<string>('uuid')
export const string = () => new Field<string>('string')
/** Decodes to a view of the bytes read from. */
export const bytes = () => new Field<Uint8Array>('bytes')
/** Record batches; bytes to this language. */
export const records = () => new Field<Uint8Array>('records')

export const struct = <const M extends Message>(message: M) =>
  new Field<Decoded<M>, Encodable<M>>('struct', undefined, message)

/** An array of a primitive, or of a message written in place. */
export function array<D, E>(element: Field<D, E, boolean>): Field<readonly D[], readonly E[]>
export function array<const M extends Message>(message: M): Field<readonly Decoded<M>[], readonly Encodable<M>[]>
export function array(element: AnyField | Message): AnyField {
  return new Field('array', element instanceof Field ? element : struct(element))
}

/** First and last version of a range; an open one ends at Infinity. */
export function bounds(versions: Versions): readonly [first: number, last: number] {
  const [first, last] = versions.split('-').map(part => parseInt(part, 10)) as [number, number?]
  return [first, last ?? (versions.endsWith('+') ? Infinity : first)]
}

export function inRange(versions: Versions, version: number): boolean {
  const [first, last] = bounds(versions)
  return first <= version && version <= last
}
