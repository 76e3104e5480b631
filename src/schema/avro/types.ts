// What an Avro schema is once it is read: types that point at each other, so that a named type is one object wherever it
// is used. Reading is parse.ts, writing print.ts.

import type { Json } from '../json-text.ts'

export const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const
export type Primitive = (typeof PRIMITIVES)[number]
export const isPrimitive = (name: string): name is Primitive => (PRIMITIVES as readonly string[]).includes(name)

/** Attributes the specification does not reserve, logicalType among them, in the order given. */
type Properties = ReadonlyMap<string, Json>

export interface PrimitiveType {
  readonly type: Primitive
  readonly properties: Properties
}

export interface ArrayType {
  readonly type: 'array'
  readonly items: AvroType
  readonly properties: Properties
}

export interface MapType {
  readonly type: 'map'
  readonly values: AvroType
  readonly properties: Properties
}

export interface UnionType {
  readonly type: 'union'
  readonly branches: readonly AvroType[]
}

interface Named {
  readonly name: string
  /** Empty: none. */
  readonly namespace: string
  readonly fullName: string
  readonly doc: string | undefined
  /** Full names. */
  readonly aliases: readonly string[]
  readonly properties: Properties
}

export interface Field {
  readonly name: string
  readonly type: AvroType
  readonly doc: string | undefined
  readonly default: Json | undefined
  readonly order: 'ascending' | 'descending' | 'ignore'
  readonly aliases: readonly string[]
  readonly properties: Properties
}

export interface RecordType extends Named {
  readonly type: 'record' | 'error'
  readonly fields: readonly Field[]
  /** By name: where in `fields`. */
  readonly positions: ReadonlyMap<string, number>
}

export interface EnumType extends Named {
  readonly type: 'enum'
  readonly symbols: readonly string[]
  readonly positions: ReadonlyMap<string, number>
  readonly default: string | undefined
}

export interface FixedType extends Named {
  readonly type: 'fixed'
  readonly size: number
}

export type NamedType = RecordType | EnumType | FixedType
export type AvroType = PrimitiveType | ArrayType | MapType | UnionType | NamedType

export const isNamed = (type: AvroType): type is NamedType => 'fullName' in type
export const isRecord = (type: AvroType): type is RecordType => type.type === 'record' || type.type === 'error'

/** As it is called among the branches of a union, and in the JSON encoding of one. */
export const branchName = (type: AvroType): string => (isNamed(type) ? type.fullName : type.type)
