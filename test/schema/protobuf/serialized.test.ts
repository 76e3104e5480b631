import { Buffer } from 'node:buffer'
import { expect, it } from 'vitest'
import { formattedSchema } from '../../../src/schema/formatted.ts'
import { parseSchema, type ResolvedReference } from '../../../src/schema/schema.ts'

const parsed = (text: string, references: readonly ResolvedReference[] = []) => {
  const schema = parseSchema('PROTOBUF', text, references)
  if ('error' in schema) throw new Error(schema.message)
  return schema
}
const other = {
  name: 'other.proto',
  subject: 'other',
  version: 1,
  schema: 'syntax = "proto3";\npackage o;\nmessage Other {\n}\n',
}

it.each([
  {
    what: 'scalars',
    text: 'message M { double a = 1; sint64 b = 2; bytes c = 3; bool d = 4; fixed32 e = 5; uint32 f = 6; }',
  },
  {
    what: 'nested messages and enums',
    text: 'message M { In a = 1; message In { E e = 1; } enum E { ZERO = 0; ONE = 1; } }',
  },
  { what: 'maps', text: 'message M { map<string, V> by_name = 1; map<int32, string> n = 2; message V { } }' },
  {
    what: 'oneofs and optional fields',
    text: 'message M { oneof a { string s = 1; int32 i = 2; } optional string o = 3; }',
  },
  {
    what: 'repeated fields and options',
    text: 'message M { repeated int32 a = 1 [packed = false]; string b = 2 [json_name = "bee", deprecated = true]; }',
  },
  { what: 'reserved numbers and names', text: 'message M { reserved 2, 4 to 6; reserved "x"; int32 a = 1; }' },
  { what: 'services', text: 'message M { }\nservice S { rpc Get (M) returns (stream M); }' },
  {
    what: 'a package and options of the file',
    text: 'package p.q; option java_package = "j"; option java_multiple_files = true; message M { M m = 1; }',
  },
  {
    what: 'imports',
    text: 'import "other.proto"; import public "google/protobuf/timestamp.proto"; message M { o.Other a = 1; google.protobuf.Timestamp t = 2; }',
    references: [other],
  },
])('$what come back from a FileDescriptorProto as they were', ({ text, references = [] }) => {
  const schema = parsed(`syntax = "proto3"; ${text}`, references)
  const serialized = formattedSchema(schema, 'serialized')
  expect(Buffer.from(serialized, 'base64').toString('base64')).toBe(serialized)
  expect(parsed(serialized, references).normalized).toBe(schema.normalized)
})

it('proto2 says what is required, and its defaults', () => {
  const schema = parsed(
    'syntax = "proto2"; message M { required int32 a = 1; optional string b = 2 [default = "x"]; extensions 100 to 199; }',
  )
  expect(parsed(formattedSchema(schema, 'serialized')).normalized).toBe(schema.normalized)
})

it('a format that means nothing to the schema is passed over', () => {
  const schema = parsed('syntax = "proto3"; message M { }')
  expect(formattedSchema(schema, 'resolved')).toBe(schema.text)
})
