// .proto files as text: what is read, what a registry returns for it, and what is refused in which words.

import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { encodeDatum, parseSchema } from '../../../src/schema/schema.ts'

const parse = (text: string, imports: Record<string, string> = {}) =>
  parseSchema(
    'PROTOBUF',
    text,
    Object.entries(imports).map(([name, schema]) => ({ name, subject: name, version: 1, schema })),
  )
const text = (given: string, imports?: Record<string, string>): string => {
  const parsed = parse(given, imports)
  return 'error' in parsed ? parsed.message : parsed.text
}
const normalized = (given: string, imports?: Record<string, string>): string => {
  const parsed = parse(given, imports)
  return 'error' in parsed ? parsed.message : parsed.normalized
}

const given = `
  // A comment.
  syntax = 'proto3' ;
  package demo.v1;
  import public "google/protobuf/duration.proto";
  import "google/protobuf/timestamp.proto"; import "confluent/meta.proto";
  option java_package = "x" "y";
  option (confluent.file_meta).doc = "a \\"quoted\\" word";
  enum Color { option allow_alias = true; RED = 0; ROT = 0; NEG = -1 [deprecated = true]; reserved 5, 7 to max, "BLUE"; }
  message Order { /* inside */
    reserved 100 to 200, 300; reserved "old";
    option deprecated = false;
    map < string , Line > lines = 5 ; repeated int32 n = 3 [packed = false, (confluent.field_meta) = { doc: "d", tags: ["a", "b"] params { key: "k" value: "v" } }];
    google.protobuf.Timestamp at = 2; optional string message = 7 [json_name = "msg"];
    oneof either { Color color = 8; .demo.v1.Order.Line line = 9; }
    message Line { Order order = 1; bytes option = 2; }
    enum Kind { UNKNOWN = 0; }
  }
  service Orders { rpc Put (stream Order) returns (Order.Line) { option deprecated = true; } rpc Get (Order) returns (stream Order); }
  extend google.protobuf.FieldOptions { string note = 50001; }
  ;
`

const printed = `syntax = "proto3";
package demo.v1;

import "google/protobuf/timestamp.proto";
import "confluent/meta.proto";
import public "google/protobuf/duration.proto";

option java_package = "xy";
option (confluent.file_meta).doc = "a \\"quoted\\" word";

message Order {
  reserved 100 to 200, 300;
  reserved "old";

  option deprecated = false;

  map<string, Line> lines = 5;
  repeated int32 n = 3 [
    packed = false,
    (confluent.field_meta) = {
      doc: "d",
      tags: [
        "a",
        "b"
      ],
      params: {
        key: "k",
        value: "v"
      }
    }
  ];
  google.protobuf.Timestamp at = 2;
  optional string message = 7 [json_name = "msg"];

  oneof either {
    Color color = 8;
    .demo.v1.Order.Line line = 9;
  }

  message Line {
    Order order = 1;
    bytes option = 2;
  }
  enum Kind {
    UNKNOWN = 0;
  }
}
enum Color {
  reserved 5, 7 to max, "BLUE";
  option allow_alias = true;
  RED = 0;
  ROT = 0;
  NEG = -1 [deprecated = true];
}

extend google.protobuf.FieldOptions {
  string note = 50001;
}

service Orders {
  rpc Put (stream Order) returns (Order.Line) {
    option deprecated = true;
  };
  rpc Get (Order) returns (stream Order);
}
`

describe('a registry returns', () => {
  it('the file without comments, every part in its place', () => {
    expect(text(given)).toBe(printed)
    expect(text(printed)).toBe(printed)
  })

  it('the names of its messages, in their order', () => {
    expect(parse(given)).toMatchObject({ names: ['demo.v1.Order', 'demo.v1.Order.Line'], text: printed })
  })

  it('normalized, full names, fields by number and options by name', () => {
    expect(normalized(given)).toContain(`
  .google.protobuf.Timestamp at = 2;
  repeated int32 n = 3 [
    (confluent.field_meta) = {
      doc: "d",
      params: {
        key: "k",
        value: "v"
      },
      tags: [
        "a",
        "b"
      ]
    },
    packed = false
  ];
  map<string, .demo.v1.Order.Line> lines = 5;
`)
    expect(normalized(normalized(given))).toBe(normalized(given))
  })

  it('normalized, custom options by their full names, parts of one message together', () => {
    const options = (given: string): string =>
      normalized(`syntax = "proto3"; package p; import "google/protobuf/descriptor.proto";
        message M { int32 a = 1 [${given}]; }
        message Rule { Range range = 1; repeated Range ranges = 2; string doc = 3; } message Range { double min = 1; double max = 2; }
        extend google.protobuf.FieldOptions { Rule rule = 50000; repeated Rule rules = 50001; }`)
        .match(/a = 1 \[([^]*?)\];/)![1]!
        .replaceAll(/\s+/g, ' ')
    expect(options('(rule).range.min = 1.0, (rule).range.max = 0x10')).toBe('(p.rule) = { range: { max: 16, min: 1 } }')
    expect(options('(p.rule).ranges.min = 1, (rule).ranges.min = 2')).toBe(
      '(p.rule) = { ranges: [ { min: 1 }, { min: 2 } ] }',
    )
    expect(options('(rule).doc = "a", (.p.rule).doc = "b"')).toBe('(p.rule) = { doc: "b" }')
    expect(options('(rules) = { doc: "a" }, (rules) = { doc: "b" ranges: [] }')).toBe(
      ' (p.rules) = { doc: "a" }, (p.rules) = { doc: "b" } ',
    )
    expect(options('(unknown).x = 1, deprecated = true')).toBe(' deprecated = true, (unknown).x = 1 ')
  })

  it('a key of an option that comes again as a list', () => {
    expect(text('option (a) = { b: 1 c: "x" b: 2 };')).toBe(
      '\noption (a) = {\n  b: [\n    1,\n    2\n  ],\n  c: "x"\n};\n',
    )
  })

  it('blank lines of inner messages with their spaces, as Confluent prints them', () => {
    expect(text('message M { message N { reserved 1; optional int32 a = 2; } }')).toBe(
      '\nmessage M {\n  message N {\n    reserved 1;\n  \n    optional int32 a = 2;\n  }\n}\n',
    )
  })

  it('of proto2 its labels, defaults and extensions', () => {
    const proto2 = `syntax = "proto2";

message M {
  required int32 a = 1 [default = -5];
  optional string b = 2 [default = "x"];

  extensions 100 to max;
}
extend M {
  optional double c = 100 [default = inf];
}
`
    expect(text(proto2)).toBe(proto2.replace('}\nextend', '}\n\nextend'))
    expect(normalized(proto2)).not.toContain('syntax')
  })

  it('of a FileDescriptorProto in base64 the file', () => {
    // name "a.proto", package "p", message M { string s = 1; }, syntax proto3
    const field = Buffer.from('0a0173180120012809', 'hex')
    const message = Buffer.concat([Buffer.from('0a014d12', 'hex'), Buffer.from([field.length]), field])
    const file = Buffer.concat([
      Buffer.from('0a07612e70726f746f12017022', 'hex'),
      Buffer.from([message.length]),
      message,
      Buffer.from('620670726f746f33', 'hex'),
    ])
    expect(text(file.toString('base64'))).toBe('syntax = "proto3";\npackage p;\n\nmessage M {\n  string s = 1;\n}\n')
  })
})

describe('refuses', () => {
  const m = (body: string): string => `syntax = "proto3"; message M { ${body} }`
  it.each<[text: string, message: string | RegExp]>([
    ['message M {', 'line 1: a name expected, found the end'],
    ['hello', /^line 1: message, enum, .* expected, found 'hello'$/],
    ['syntax = "proto4";', 'unknown syntax: proto4'],
    ['edition = "2023"; message M {}', 'editions are not supported: use proto2 or proto3'],
    ['message M {\n\n  int32 a;\n}', "line 3: '=' expected, found ';'"],
    [
      'import "none.proto"; message M { optional None a = 1; }',
      '"None" is not defined, in "M.a"; the import "none.proto" is not known, and no reference has its name',
    ],
    [m('None a = 1;'), '"None" is not defined, in "M.a"'],
    [m('map<string, None> a = 1;'), '"None" is not defined, in "M.a"'],
    [m('map<M, int32> a = 1;'), '"M.a": a map\'s key cannot be M'],
    [m('repeated map<string, int32> a = 1;'), '"M.a": a map has no label'],
    [m('required int32 a = 1;'), '"M.a": required fields are not allowed in proto3'],
    [m('int32 a = 0;'), 'a: 0 is not a number a field can have'],
    [m('int32 a = 536870912;'), 'a: 536870912 is not a number a field can have'],
    [m('int32 a = 19000;'), 'a: 19000 is not a number a field can have'],
    [m('int32 a = 1; string b = 1;'), '"M" uses the field number 1 twice'],
    [m('int32 a = 1; oneof o { string a = 2; }'), '"M" has two fields named a'],
    [m('message N {} enum N { A = 0; }'), '"M.N" is already defined'],
    ['enum E { }', '"E" has no constants'],
    ['enum E { A = 0; B = 0; }', '"E" uses the number 0 twice'],
    ['enum E { A = 0; A = 1; }', '"E" has two constants named A'],
    ['message M { optional group G = 1 { } }', 'groups are not supported: use a message'],
    ['service S { rpc A (M) returns (M); }', '"M" is not defined, in ""'],
  ])('%s', (given, message) => {
    expect(parse(given)).toEqual({
      error: 'INVALID_SCHEMA',
      message: typeof message === 'string' ? message : expect.stringMatching(message),
    })
  })

  it.each([
    ['deep', 'message M {'.repeat(10_000)],
    ['deep in options', `option a = ${'['.repeat(10_000)}`],
    ['a name of a million characters', `message ${'M'.repeat(999_000)} {}`],
    ['a name of many parts', `message M { ${'a.'.repeat(400_000)}a b = 1; }`],
    ['comments that do not end', `/*${'*'.repeat(900_000)}`],
  ])('%s, quickly', (_, given) => {
    const parsed = parse(given)
    expect(parsed).toMatchObject({ error: 'INVALID_SCHEMA' })
    expect((parsed as { message: string }).message.length).toBeLessThan(500)
  })
})

describe('imports', () => {
  it('come with references, and those of references', () => {
    const imports = {
      'a.proto': 'syntax = "proto3"; package a; import "b.proto"; message A { b.B b = 1; }',
      'b.proto': 'syntax = "proto3"; package b; message B {}',
    }
    const given = 'syntax = "proto3"; import "a.proto"; message M { a.A a = 1; }'
    expect(normalized(given, imports)).toContain('.a.A a = 1;')
    expect(text(given, { 'a.proto': imports['a.proto'] })).toContain('import "a.proto";')
  })

  it('that nobody knows are no error while nothing of theirs is used', () => {
    expect(text('import "google/api/annotations.proto"; message M { option (x) = true; }')).toContain(
      'option (x) = true;',
    )
  })

  it('that a file only passes on have its messages', () => {
    const imports = { 'leaf.proto': 'syntax = "proto3"; package p; message A {} message B { int32 b = 1; }' }
    const parsed = parse('syntax = "proto3"; import public "leaf.proto";', imports)
    if ('error' in parsed) throw new Error(parsed.message)
    expect(parsed.names).toEqual(['p.A', 'p.B'])
    expect(encodeDatum(parsed, { b: 1 }, [1])).toEqual(new Uint8Array([8, 1]))
  })

  it('may import each other', () => {
    const imports = { 'a.proto': 'import "b.proto"; message A {}', 'b.proto': 'import "a.proto"; message B {}' }
    expect(text('import "a.proto"; message M { optional A a = 1; }', imports)).toContain('optional A a = 1;')
  })

  it.each([
    'google/protobuf/any.proto',
    'google/protobuf/api.proto',
    'google/protobuf/descriptor.proto',
    'google/protobuf/duration.proto',
    'google/protobuf/empty.proto',
    'google/protobuf/field_mask.proto',
    'google/protobuf/struct.proto',
    'google/protobuf/timestamp.proto',
    'google/protobuf/type.proto',
    'google/protobuf/wrappers.proto',
    'google/type/calendar_period.proto',
    'google/type/color.proto',
    'google/type/date.proto',
    'google/type/datetime.proto',
    'google/type/dayofweek.proto',
    'google/type/decimal.proto',
    'google/type/expr.proto',
    'google/type/fraction.proto',
    'google/type/interval.proto',
    'google/type/latlng.proto',
    'google/type/money.proto',
    'google/type/month.proto',
    'google/type/phone_number.proto',
    'google/type/postal_address.proto',
    'google/type/quaternion.proto',
    'google/type/timeofday.proto',
    'confluent/meta.proto',
    'confluent/type/decimal.proto',
    'confluent/type/variant.proto',
  ])('of %s need no reference', name => {
    expect(parse(`syntax = "proto3"; import "${name}"; message M {}`)).not.toHaveProperty('error')
  })

  it('are looked up from the innermost scope outwards', () => {
    const given =
      'syntax = "proto3"; package a.b; message N {} message M { message N {} N x = 1; .a.b.N y = 2; b.N z = 3; }'
    expect(normalized(given)).toContain('  .a.b.M.N x = 1;\n  .a.b.N y = 2;\n  .a.b.N z = 3;\n')
  })
})
