// What clients register instead of text: the FileDescriptorProto that protoc made of a file, in base64.

import { expect, it } from 'vitest'
import { parseSchema } from '../../../src/schema/schema.ts'

/** By protoc 7.36, of the file below. */
const descriptor =
  'CgtzbWFsbC5wcm90bxIBcBoUY29uZmx1ZW50L21ldGEucHJvdG8aIGdvb2dsZS9wcm90b2J1Zi9kZXNjcmlwdG9yLnByb3RvIlIKBFJ1bGUS' +
  'DgoCbnMYASADKAVSAm5zEgwKAWQYAiABKAFSAWQSHgoFbGV2ZWwYAyABKA4yCC5wLkxldmVsUgVsZXZlbBIMCgFiGAQgASgMUgFiIs4BCgFN' +
  'EkwKAWEYASADKAsyCy5wLk0uQUVudHJ5QjEYAYK1GBsKCwH+//////////8BEQAAAAAAAPg/GAUiAXiKtRgCbjGKtRgCbjKQtRgJUgFhEhEK' +
  'AWIYAiABKAVIAVIBYogBARIOCgFjGAMgASgJSABSAWMaPQoGQUVudHJ5EhAKA2tleRgBIAEoCVIDa2V5Eh0KBXZhbHVlGAIgASgLMgcucC5S' +
  'dWxlUgV2YWx1ZToCOAE6DoJECwoBZBIGCgFhEgFiQgMKAW9CBAoCX2IqGgoFTGV2ZWwSBwoDTE9XEAASCAoESElHSBAFMhsKAVMSFgoBWBIE' +
  'LnAuTRoELnAuTSIDkAICMAE6PAoEcnVsZRIdLmdvb2dsZS5wcm90b2J1Zi5GaWVsZE9wdGlvbnMY0IYDIAEoCzIHLnAuUnVsZVIEcnVsZTo1' +
  'CgVub3RlcxIdLmdvb2dsZS5wcm90b2J1Zi5GaWVsZE9wdGlvbnMY0YYDIAMoCVIFbm90ZXM6LQoBcxIdLmdvb2dsZS5wcm90b2J1Zi5GaWVs' +
  'ZE9wdGlvbnMY0oYDIAEoElIBc2IGcHJvdG8z'

const file = `
  syntax = "proto3"; package p; import "confluent/meta.proto"; import "google/protobuf/descriptor.proto";
  enum Level { LOW = 0; HIGH = 5; }
  message Rule { repeated int32 ns = 1; double d = 2; Level level = 3; bytes b = 4; }
  extend google.protobuf.FieldOptions { Rule rule = 50000; repeated string notes = 50001; sint64 s = 50002; }
  message M {
    option (confluent.message_meta) = { doc: "d" params { key: "a" value: "b" } };
    map<string, Rule> a = 1 [(rule) = { ns: [1, -2] d: 1.5 level: HIGH b: "x" }, (notes) = "n1", (notes) = "n2",
      (s) = -5, deprecated = true];
    optional int32 b = 2;
    oneof o { string c = 3; }
  }
  service S { rpc X (M) returns (stream M) { option idempotency_level = IDEMPOTENT; } }
`

const parse = (source: string) => {
  const parsed = parseSchema('PROTOBUF', source)
  if ('error' in parsed) throw new Error(parsed.message)
  return parsed
}

it('says the same as the file, its custom options included', () => {
  expect(parse(descriptor).normalized).toBe(parse(file).normalized)
  expect(parse(descriptor).names).toEqual(['p.Rule', 'p.M'])
})

it('is text from then on', () => {
  const { text } = parse(descriptor)
  expect(text).toMatch(/^syntax = "proto3";\npackage p;\n\nimport "confluent\/meta.proto";\n/)
  expect(parse(text).text).toBe(text)
})

it.each([
  ['cut off', descriptor.slice(0, 400)],
  ['something else', Buffer.from('hello world, how are you').toString('base64')],
  ['nothing', ''],
])('%s is no file', (_, source) => {
  expect(parseSchema('PROTOBUF', source)).toSatisfy(
    parsed => 'error' in (parsed as object) || (parsed as { names: string[] }).names.length === 0,
  )
})
