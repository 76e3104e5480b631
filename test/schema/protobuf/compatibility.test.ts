// How a .proto file may change so that it still reads what was written before, case by case, with what Confluent's registry
// calls the changes that it may not.

import { describe, expect, it } from 'vitest'
import { incompatibilities, parseSchema } from '../../../src/schema/schema.ts'

interface Import {
  readonly schema: string
  readonly subject?: string
  readonly version?: number
}

const parse = (text: string, imports: Record<string, Import> = {}) => {
  const parsed = parseSchema(
    'PROTOBUF',
    text,
    Object.entries(imports).map(([name, given]) => ({ name, subject: name, version: 1, ...given })),
  )
  if ('error' in parsed) throw new Error(parsed.message)
  return parsed
}
const worded = (text: string): string => {
  const [, type] = /errorType:"(\w+)"/.exec(text)!
  return `${type} ${/'(#[^']*)'/.exec(text)?.[1] ?? ''}`
}
const findings = (before: string, after: string): string[] => incompatibilities(parse(after), parse(before)).map(worded)

/** Of proto3, unless it says otherwise. */
const file = (text: string): string => (text.startsWith('syntax') ? text : `syntax = "proto3"; ${text}`)
const proto2 = (text: string): string => `syntax = "proto2"; ${text}`
/** One message, M. */
const m = (body: string): string => file(`message M { ${body} } message N { int32 n = 1; } enum E { ZERO = 0; }`)
const m2 = (body: string): string => proto2(`message M { ${body} }`)

type Case = readonly [what: string, before: string, after: string, ...then: string[]]

const integers = ['int32', 'int64', 'uint32', 'uint64', 'bool', 'E']
const groups = [
  integers,
  ['sint32', 'sint64'],
  ['string', 'bytes'],
  ['fixed32', 'sfixed32'],
  ['fixed64', 'sfixed64'],
  ['float'],
  ['double'],
]
const scalars = groups.flat()
const groupOf = (type: string): number => groups.findIndex(group => group.includes(type))

describe('a scalar may become what its bytes can be read as', () => {
  const pairs = scalars.flatMap(before => scalars.map(after => [before, after] as const))
  it.each(pairs)('%s to %s', (before, after) => {
    const fits = groupOf(before) === groupOf(after)
    expect(findings(m(`${before} a = 1;`), m(`${after} a = 1;`))).toEqual(
      fits ? [] : ['FIELD_SCALAR_KIND_CHANGED #/M/1'],
    )
  })
})

const cases: Record<string, readonly Case[]> = {
  files: [
    ['the same', m('int32 a = 1;'), m('int32 a = 1;')],
    ['another package', file('package a; message M {}'), file('package b; message M {}'), 'PACKAGE_CHANGED #/'],
    ['a package comes', file('message M {}'), file('package a; message M {}'), 'PACKAGE_CHANGED #/'],
    [
      'options, comments and services',
      file('message M {}'),
      file('option java_package = "x"; /* c */ message M {} service S { rpc A (M) returns (M); }'),
    ],
    ['proto2 becomes proto3', proto2('message M { optional int32 a = 1; }'), file('message M { int32 a = 1; }')],
  ],
  messages: [
    ['one comes', file('message M {}'), file('message M {} message N {}')],
    ['one goes', file('message M {} message N {}'), file('message M {}'), 'MESSAGE_REMOVED #/N'],
    ['in another order', file('message M {} message N {}'), file('message N {} message M {}')],
    ['an inner one goes', m('message I {}'), m(''), 'MESSAGE_REMOVED #/M/I'],
    ['an inner one moves out', m('message I {}'), `${m('')} message I {}`, 'MESSAGE_REMOVED #/M/I'],
    [
      'an inner one changes',
      m('message I { int32 a = 1; }'),
      m('message I { string a = 1; }'),
      'FIELD_SCALAR_KIND_CHANGED #/M/I/1',
    ],
    ['an enum goes', file('message M {} enum E { A = 0; }'), file('message M {}')],
    [
      'constants of an enum come, go and are renamed',
      file('enum E { A = 0; B = 1; C = 2; }'),
      file('enum E { A = 0; X = 1; D = 3; }'),
    ],
    ['what is reserved changes', m('reserved 5; int32 a = 1;'), m('reserved 6 to 8; int32 a = 1;')],
  ],
  fields: [
    ['one comes', m('int32 a = 1;'), m('int32 a = 1; int32 b = 2;')],
    ['one goes', m('int32 a = 1; int32 b = 2;'), m('int32 a = 1;')],
    ['one is renamed', m('int32 a = 1;'), m('int32 b = 1;')],
    ['one gets another number', m('int32 a = 1;'), m('int32 a = 2;')],
    ['in another order', m('int32 a = 1; string b = 2;'), m('string b = 2; int32 a = 1;')],
    [
      'a required one comes',
      m2('optional int32 a = 1;'),
      m2('optional int32 a = 1; required int32 b = 2;'),
      'REQUIRED_FIELD_ADDED #/M/2',
    ],
    ['a required one goes', m2('required int32 a = 1;'), m2(''), 'REQUIRED_FIELD_REMOVED #/M/1'],
    [
      'required numbers become optional',
      m2('required int32 a = 1;'),
      m2('optional int32 a = 1;'),
      'FIELD_NUMERIC_LABEL_CHANGED #/M/1',
    ],
    [
      'an optional number becomes repeated',
      m2('optional int32 a = 1;'),
      m2('repeated int32 a = 1;'),
      'FIELD_NUMERIC_LABEL_CHANGED #/M/1',
    ],
    [
      'an optional float becomes repeated',
      m2('optional float a = 1;'),
      m2('repeated float a = 1;'),
      'FIELD_NUMERIC_LABEL_CHANGED #/M/1',
    ],
    ['an optional string becomes repeated', m2('optional string a = 1;'), m2('repeated string a = 1;')],
    [
      'a number without label becomes repeated, which Confluent does not see',
      m('int32 a = 1;'),
      m('repeated int32 a = 1;'),
    ],
    [
      'defaults and json_name change',
      m2('optional int32 a = 1 [default = 1];'),
      m2('optional int32 a = 1 [default = 2, json_name = "x"];'),
    ],
  ],
  'fields of messages': [
    ['the same message', m('N a = 1;'), m('.N a = 1;')],
    ['another message', m('N a = 1;'), m('M a = 1;'), 'FIELD_NAMED_TYPE_CHANGED #/M/1'],
    ['a message becomes a number', m('N a = 1;'), m('int32 a = 1;'), 'FIELD_KIND_CHANGED #/M/1'],
    ['a number becomes a message', m('int32 a = 1;'), m('N a = 1;'), 'FIELD_KIND_CHANGED #/M/1'],
    ['bytes become a message', m('bytes a = 1;'), m('N a = 1;'), 'FIELD_KIND_CHANGED #/M/1'],
    ['an enum becomes a message', m('E a = 1;'), m('N a = 1;'), 'FIELD_KIND_CHANGED #/M/1'],
    ['one message becomes many', m('N a = 1;'), m('repeated N a = 1;')],
    [
      'an inner one of the same name',
      m('N a = 1;'),
      m('message N { int32 n = 1; } N a = 1;'),
      'FIELD_NAMED_TYPE_CHANGED #/M/1',
    ],
    ['a message of itself', m('M a = 1;'), m('M a = 1; int32 b = 2;')],
    [
      'a well-known type becomes another',
      file(
        'import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto"; message M { google.protobuf.Timestamp a = 1; }',
      ),
      file(
        'import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto"; message M { google.protobuf.Duration a = 1; }',
      ),
      'FIELD_NAMED_TYPE_CHANGED #/M/1',
    ],
  ],
  maps: [
    ['the same', m('map<string, int32> a = 1;'), m('map<string, int32> a = 1;')],
    ['values of the same kind', m('map<string, int32> a = 1;'), m('map<string, int64> a = 1;')],
    [
      'other values',
      m('map<string, int32> a = 1;'),
      m('map<string, string> a = 1;'),
      'FIELD_SCALAR_KIND_CHANGED #/M/1',
    ],
    ['other keys', m('map<string, int32> a = 1;'), m('map<int32, int32> a = 1;'), 'FIELD_SCALAR_KIND_CHANGED #/M/1'],
    ['values become messages', m('map<string, int32> a = 1;'), m('map<string, N> a = 1;'), 'FIELD_KIND_CHANGED #/M/1'],
    ['other messages', m('map<string, M> a = 1;'), m('map<string, N> a = 1;'), 'FIELD_NAMED_TYPE_CHANGED #/M/1'],
    ['a map becomes a message', m('map<string, int32> a = 1;'), m('N a = 1;'), 'FIELD_KIND_CHANGED #/M/1'],
    ['a number becomes a map', m('int32 a = 1;'), m('map<string, int32> a = 1;'), 'FIELD_KIND_CHANGED #/M/1'],
  ],
  oneofs: [
    ['one comes', m('int32 a = 1;'), m('int32 a = 1; oneof o { int32 b = 2; string c = 3; }')],
    ['one goes whole', m('oneof o { int32 a = 1; string b = 2; } int32 c = 3;'), m('int32 c = 3;')],
    ['one is renamed', m('oneof o { int32 a = 1; string b = 2; }'), m('oneof p { int32 a = 1; string b = 2; }')],
    ['one gets a field', m('oneof o { int32 a = 1; }'), m('oneof o { int32 a = 1; string b = 2; }')],
    [
      'one loses a field',
      m('oneof o { int32 a = 1; string b = 2; }'),
      m('oneof o { int32 a = 1; }'),
      'ONEOF_FIELD_REMOVED #/M/o/2',
    ],
    [
      'one loses a field while it is renamed',
      m('oneof o { int32 a = 1; string b = 2; }'),
      m('oneof p { int32 a = 1; }'),
      'ONEOF_FIELD_REMOVED #/M/o/2',
    ],
    [
      'a field changes',
      m('oneof o { int32 a = 1; }'),
      m('oneof o { string a = 1; }'),
      'FIELD_SCALAR_KIND_CHANGED #/M/o/1',
    ],
    ['a field moves out', m('oneof o { int32 a = 1; string b = 2; }'), m('oneof o { int32 a = 1; } string b = 2;')],
    ['a field moves into a new one', m('int32 a = 1;'), m('oneof o { int32 a = 1; }')],
    [
      'a field moves into one that was there',
      m('int32 a = 1; oneof o { int32 b = 2; }'),
      m('oneof o { int32 a = 1; int32 b = 2; }'),
      'FIELD_MOVED_TO_EXISTING_ONEOF #/M/o',
    ],
    [
      'several fields move into one',
      m('int32 a = 1; int32 b = 2;'),
      m('oneof o { int32 a = 1; int32 b = 2; }'),
      'MULTIPLE_FIELDS_MOVED_TO_ONEOF #/M/o',
    ],
    [
      'two become one',
      m('oneof o { int32 a = 1; } oneof p { int32 b = 2; }'),
      m('oneof o { int32 a = 1; int32 b = 2; }'),
      'FIELD_MOVED_TO_EXISTING_ONEOF #/M/o',
    ],
  ],
}

describe.each(Object.entries(cases))('%s', (_, cases) => {
  it.each(cases.map(([what, before, after, ...then]) => ({ what, before, after, then })))(
    '$what',
    ({ before, after, then }) => {
      expect(findings(before, after)).toEqual(then)
    },
  )
})

describe('imports', () => {
  const order = file('import "u.proto"; message M { p.User a = 1; }')
  const user = (body: string, of = 'p'): string => file(`package ${of}; message User { ${body} }`)
  const compare = (before: Import, after: Import, afterText = order): string[] =>
    incompatibilities(parse(afterText, { 'u.proto': after }), parse(order, { 'u.proto': before })).map(worded)

  it('of another version are compared inside', () => {
    expect(compare({ schema: user('int32 id = 1;') }, { schema: user('string id = 1;'), version: 2 })).toEqual([
      'FIELD_SCALAR_KIND_CHANGED #/User/1',
      'FIELD_NAMED_TYPE_CHANGED #/M/1',
    ])
    expect(compare({ schema: user('int32 id = 1;') }, { schema: user('int64 id = 1;'), version: 2 })).toEqual([])
  })

  it('may move to another package', () => {
    const moved = file('import "u.proto"; message M { q.User a = 1; }')
    expect(
      compare({ schema: user('int32 id = 1;') }, { schema: user('int32 id = 1;', 'q'), subject: 'v' }, moved),
    ).toEqual([])
  })

  it('that contain themselves end', () => {
    expect(
      compare({ schema: user('User a = 1; string b = 2;') }, { schema: user('User a = 1; int32 b = 2;'), version: 2 }),
    ).toEqual(['FIELD_SCALAR_KIND_CHANGED #/User/2', 'FIELD_NAMED_TYPE_CHANGED #/M/1'])
  })
})

it('is worded as by Confluent', () => {
  expect(incompatibilities(parse(m('string a = 1;')), parse(m('int32 a = 1;')), ['old', 'new'])).toEqual([
    `{errorType:"FIELD_SCALAR_KIND_CHANGED", description:"The kind of a SCALAR field at path '#/M/1' in the old schema ` +
      'does not match its kind in the new schema"}',
  ])
})

it('tells formats apart', () => {
  const avro = parseSchema('AVRO', '"string"')
  if ('error' in avro) throw new Error(avro.message)
  expect(incompatibilities(avro, parse(m('')))).toEqual(['Incompatible because of different schema type'])
})
