// A .proto file as it is written: names are not resolved yet, and comments are gone. parse.ts reads it from text,
// descriptor.ts from a FileDescriptorProto, print.ts writes it.

export type OptionValue =
  | { readonly kind: 'string' | 'word' | 'number'; readonly text: string }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [key: string, value: OptionValue])[] }
  | { readonly kind: 'list'; readonly items: readonly OptionValue[] }
  /** `(a).b = 1`: the option b inside of a. */
  | { readonly kind: 'option'; readonly option: ProtoOption }

export interface ProtoOption {
  readonly name: string
  /** In parentheses: the name of an extension. */
  readonly custom: boolean
  readonly value: OptionValue
}

/** `max` of a range is MAX_TAG. */
export type Reserved = string | number | readonly [first: number, last: number]

export interface Field {
  readonly label: 'optional' | 'required' | 'repeated' | undefined
  /** As written: a scalar, a name, or `map<K, V>`. */
  readonly type: string
  readonly name: string
  readonly tag: number
  /** `default` and `json_name` among them. */
  readonly options: readonly ProtoOption[]
}

export interface OneOf {
  readonly name: string
  readonly fields: readonly Field[]
  readonly options: readonly ProtoOption[]
}

export interface Extend {
  readonly name: string
  readonly fields: readonly Field[]
}

export interface ExtensionRange {
  readonly ranges: readonly Reserved[]
  readonly options: readonly ProtoOption[]
}

export interface Message {
  readonly kind: 'message'
  readonly name: string
  readonly fields: readonly Field[]
  readonly oneOfs: readonly OneOf[]
  readonly reserved: readonly (readonly Reserved[])[]
  readonly extensions: readonly ExtensionRange[]
  readonly extends: readonly Extend[]
  readonly options: readonly ProtoOption[]
  readonly types: readonly Type[]
}

export interface EnumConstant {
  readonly name: string
  readonly tag: number
  readonly options: readonly ProtoOption[]
}

export interface Enum {
  readonly kind: 'enum'
  readonly name: string
  readonly constants: readonly EnumConstant[]
  readonly reserved: readonly (readonly Reserved[])[]
  readonly options: readonly ProtoOption[]
}

export type Type = Message | Enum

export interface Rpc {
  readonly name: string
  readonly request: string
  readonly requestStreams: boolean
  readonly response: string
  readonly responseStreams: boolean
  readonly options: readonly ProtoOption[]
}

export interface Service {
  readonly name: string
  readonly rpcs: readonly Rpc[]
  readonly options: readonly ProtoOption[]
}

export interface ProtoFile {
  readonly syntax: 'proto2' | 'proto3' | undefined
  readonly package: string
  readonly imports: readonly string[]
  readonly publicImports: readonly string[]
  readonly options: readonly ProtoOption[]
  readonly types: readonly Type[]
  readonly extends: readonly Extend[]
  readonly services: readonly Service[]
}

export const MAX_TAG = 536_870_911

export const SCALARS = new Set(
  (
    'double float int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64 bool string ' + 'bytes'
  ).split(' '),
)

/** Every field, those in oneofs too. */
export const allFields = (message: Message): Field[] => [
  ...message.fields,
  ...message.oneOfs.flatMap(({ fields }) => fields),
]

/** The types of keys and values, as written, if the field is a map. */
export function mapOf(type: string): readonly [key: string, value: string] | undefined {
  const found = /^map<(\w+), (.+)>$/.exec(type)
  return found === null ? undefined : [found[1]!, found[2]!]
}

/** What an option of this name says, if it is a plain word or text. */
export function optionText(options: readonly ProtoOption[], name: string): string | undefined {
  const value = options.find(option => !option.custom && option.name === name)?.value
  return value !== undefined && 'text' in value ? value.text : undefined
}
