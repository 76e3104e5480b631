import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RegistryCommand, SchemaVersion } from '../../src/schema/registry.ts'
import { aRecord, aRequest, TestRegistry } from '../support/registry.ts'

const ONE = aRecord('r', 'a')
const TWO = aRecord('r', 'a', '?b')
/** Cannot read what ONE wrote. */
const BAD = aRecord('r', 'a', 'b')

const config = (subject: string, change: object): RegistryCommand => ({ type: 'changeConfig', subject, change })
const mode = (subject: string, to: string, force = false): RegistryCommand => ({
  type: 'changeMode',
  subject,
  mode: to,
  force,
})
const subjects = (prefix = ':*:', filter: 'live' | 'all' | 'deleted' = 'live') =>
  ({ type: 'subjects', prefix, filter }) as const
const remove = (subject: string, permanent = false) => ({ type: 'deleteSubject', subject, permanent }) as const
const removeVersion = (subject: string, version: number, permanent = false) =>
  ({ type: 'deleteVersion', subject, version, permanent }) as const
const lookup = (subject: string, schema: string, more: object = {}) =>
  ({ type: 'lookup', subject, request: aRequest(schema, more), normalize: false, deleted: false }) as const
const versions = (subject: string, filter: 'live' | 'all' | 'deleted' = 'live') =>
  ({ type: 'versions', subject, filter }) as const

describe('registering', () => {
  it('counts versions in a subject and ids in all, and knows a schema again', () => {
    const t = new TestRegistry()
    expect(t.register('s', ONE)).toMatchObject({ id: 1, version: 1, subject: 's', schemaType: 'AVRO' })
    expect(t.register('s', TWO)).toMatchObject({ id: 2, version: 2 })
    expect(t.register('s', ONE)).toMatchObject({ id: 1, version: 1 })
    expect(t.register('t', TWO)).toMatchObject({ id: 2, version: 1 })
    expect(t.register('t', '"string"')).toMatchObject({ errorCode: 409 })
    expect(t.register('u', '"string"')).toMatchObject({ id: 3, version: 1 })
    expect(t.records).toHaveLength(4)
  })

  it('knows the same schema however it is written', () => {
    const t = new TestRegistry()
    t.register('s', ONE)
    expect(t.register('s', JSON.stringify(JSON.parse(ONE), null, 2))).toMatchObject({ id: 1, version: 1 })
    expect(t.register('other', ` ${ONE} `)).toMatchObject({ id: 1, version: 1 })
  })

  it('knows a JSON schema again whose members stand in another order', () => {
    const t = new TestRegistry()
    const json = { schemaType: 'JSON' as const }
    t.register('s', '{"type":"object","properties":{"a":{},"b":{}}}', json)
    expect(t.done(lookup('s', '{"properties":{"b":{},"a":{}},"type":"object"}', json))).toMatchObject({ id: 1 })
    expect(t.register('s', '{"properties":{"b":{},"a":{}},"type":"object"}', json)).toMatchObject({ id: 1, version: 1 })
    expect(t.records).toHaveLength(1)
  })

  it('is as quick with the fortieth large version of a subject as with the first', () => {
    const t = new TestRegistry()
    t.done({ type: 'changeConfig', subject: 's', change: { compatibilityLevel: 'NONE' } })
    const fields = Array.from({ length: 3_000 }, (_, i) => ({ name: `f${i}`, type: 'int', default: 0 }))
    const large = (doc: number) => JSON.stringify({ type: 'record', name: 'R', doc: String(doc), fields })
    const msOf = (from: number, to: number) => {
      const started = performance.now()
      for (let doc = from; doc < to; doc++) expect(t.register('s', large(doc))).toMatchObject({ version: doc + 1 })
      return performance.now() - started
    }
    msOf(0, 5)
    const first = msOf(5, 10)
    msOf(10, 60)
    expect(msOf(60, 65)).toBeLessThan(10 * first)
  })

  it('gives each context its own ids', () => {
    const t = new TestRegistry()
    t.register('s', ONE)
    t.register('s', TWO)
    expect(t.register(':.c:s', TWO)).toMatchObject({ id: 1, version: 1, subject: ':.c:s' })
    expect(t.done({ type: 'contexts' })).toEqual(['.', '.c'])
    expect(t.done(subjects())).toEqual([':.c:s', 's'])
    expect(t.done(subjects(''))).toEqual(['s'])
    expect(t.done(subjects(':.c:'))).toEqual([':.c:s'])
    expect(t.done({ type: 'schema', id: 1, subject: '' })).toMatchObject({ schema: expect.stringContaining('a') })
    expect(t.done({ type: 'schema', id: 1, subject: ':.c:' }).subject).toBe(':.c:s')
    // Who does not say a context finds what is only in another.
    t.register(':.c:only', '"int"')
    expect(t.done({ type: 'version', subject: 'only', version: 1, deleted: false }).subject).toBe(':.c:only')
    expect(t.done(lookup('only', '"int"')).subject).toBe(':.c:only')
  })

  const refused: { given: string; more?: object; then: object }[] = [
    { given: '', then: { errorCode: 42201, message: 'Empty schema' } },
    {
      given: '{',
      then: { errorCode: 42201, message: expect.stringMatching(/^Invalid schema of type AVRO, details: /) },
    },
    { given: '"nothing"', then: { errorCode: 42201 } },
    { given: `"${'x'.repeat(1_000_000)}"`, then: { errorCode: 42209 } },
    {
      given: '"int"',
      more: { references: [{ name: 'n', subject: 'gone', version: 3 }] },
      then: {
        errorCode: 42201,
        message: 'Invalid schema of type AVRO, details: No schema reference found for subject "gone" and version 3',
      },
    },
    { given: `"${'x'.repeat(1_000_001)}"`, then: { errorCode: 42209 } },
    { given: '"int"', more: { metadata: { properties: { a: 'x'.repeat(33_000_000) } } }, then: { errorCode: 42209 } },
    { given: '"int"', more: { version: 3 }, then: { errorCode: 42201, message: /not one more/ } },
    { given: '"int"', more: { id: 7 }, then: { errorCode: 42205, message: /is not in import mode/ } },
    { given: '"int"', more: { ruleSet: { domainRules: [{ name: '9' }] } }, then: { errorCode: 42210 } },
  ]
  it.each(refused)('refuses with $then', ({ given, more, then }) => {
    const t = new TestRegistry()
    const reply = t.register('s', given.slice(0, 2_000_000), more)
    expect(reply).toMatchObject({
      ...then,
      ...('message' in then && { message: expect.toSatisfy(m => matches(m, then.message)) }),
    })
    expect(t.records).toEqual([])
  })

  it('takes metadata and rules from the config and the version before', () => {
    const t = new TestRegistry()
    t.done(
      config('s', {
        defaultMetadata: { properties: { owner: 'nobody', team: 'x' } },
        overrideMetadata: { properties: { team: 'y' } },
        defaultRuleSet: { domainRules: [{ name: 'd', type: 'CEL', mode: 'WRITE' }] },
      }),
    )
    const first = t.register('s', ONE, { metadata: { properties: { owner: 'me', team: 'z' } } })
    expect(first).toMatchObject({ metadata: { properties: { owner: 'me', team: 'y' } } })
    expect(t.register('s', TWO)).toMatchObject({
      version: 2,
      metadata: { properties: { owner: 'me', team: 'y' } },
      ruleSet: { domainRules: [{ name: 'd' }] },
    })
    // Other metadata is another schema, even with the same text.
    expect(t.register('s', TWO, { metadata: { properties: { owner: 'you' } } })).toMatchObject({ version: 3, id: 3 })
    expect(t.done({ type: 'latestWith', subject: 's', properties: { owner: 'me' }, deleted: false })).toMatchObject({
      version: 2,
    })
  })

  it('a version that is asked for is said by the schema itself', () => {
    const t = new TestRegistry()
    expect(t.register('s', ONE, { version: -1 })).toMatchObject({
      metadata: { properties: { 'confluent:version': '1' } },
    })
    expect(t.done(lookup('s', ONE))).toMatchObject({ version: 1 })
  })
})

const matches = (message: string, wanted: unknown): boolean =>
  wanted instanceof RegExp ? wanted.test(message) : typeof wanted === 'string' ? wanted === message : true

describe('compatibility', () => {
  it.each([
    { level: 'NONE', next: '"string"', then: true },
    { level: 'BACKWARD', next: TWO, then: true },
    { level: 'BACKWARD', next: BAD, then: false },
    { level: 'FORWARD', next: BAD, then: true },
    { level: 'FORWARD', next: aRecord('r'), then: false },
    { level: 'FULL', next: BAD, then: false },
    { level: 'FULL', next: TWO, then: true },
  ])('$level: $next is $then', ({ level, next, then }) => {
    const t = new TestRegistry()
    t.done(config('', { compatibilityLevel: level }))
    t.register('s', ONE)
    const request = aRequest(next)
    const why = t.done({ type: 'compatibility', subject: 's', version: -1, request, normalize: false })
    expect(why.length === 0, why.join()).toBe(then)
    expect('errorCode' in t.register('s', next)).toBe(!then)
  })

  it('transitive levels look at all versions, the others at the last', () => {
    const last = aRecord('r', 'c')
    for (const [level, then] of [
      ['BACKWARD', 3],
      ['BACKWARD_TRANSITIVE', undefined],
    ] as const) {
      const t = new TestRegistry()
      t.register('s', aRecord('r', 'a'))
      t.register('s', aRecord('r', 'a', '?c'))
      t.done(config('s', { compatibilityLevel: level }))
      expect((t.register('s', last) as SchemaVersion).version).toBe(then)
    }
  })

  it('is judged within a group where the config names one', () => {
    const t = new TestRegistry()
    t.done(config('', { compatibilityGroup: 'major' }))
    const major = (n: number) => ({ metadata: { properties: { major: String(n) } } })
    t.register('s', ONE, major(1))
    expect(t.register('s', BAD, major(2))).toMatchObject({ version: 2 })
    expect(t.register('s', BAD, major(1))).toMatchObject({ errorCode: 409 })
  })

  it('says why, with the old schema', () => {
    const t = new TestRegistry()
    t.register('s', ONE)
    const reply = t.register('s', BAD)
    expect(reply).toMatchObject({ errorCode: 409 })
    const { message } = reply as { message: string }
    expect(message).toContain(
      'Schema being registered is incompatible with an earlier schema for subject "s", details: [',
    )
    expect(message).toContain("errorType:'READER_FIELD_MISSING_DEFAULT_VALUE'")
    expect(message).toContain('{oldSchemaVersion: 1}')
    expect(message).toContain("{validateFields: 'false', compatibility: 'BACKWARD'}]")
  })
})

describe('deleting', () => {
  it('a subject hides it, then forgets it, and its ids are never given again', () => {
    const t = new TestRegistry()
    t.register('s', ONE)
    t.register('s', TWO)
    t.done(config('s', { compatibilityLevel: 'NONE' }))
    expect(t.ask(remove('s', true))).toMatchObject({ errorCode: 40405 })
    expect(t.done(remove('s'))).toEqual([1, 2])
    expect(t.ask(remove('s'))).toMatchObject({ errorCode: 40404 })
    expect(t.done(subjects())).toEqual([])
    expect(t.done(subjects(':*:', 'deleted'))).toEqual(['s'])
    expect(t.ask(versions('s'))).toMatchObject({ errorCode: 40401 })
    expect(t.done({ type: 'schema', id: 2, subject: '' }).version).toBe(2)
    expect(t.done(remove('s', true))).toEqual([1, 2])
    expect(t.done(subjects(':*:', 'all'))).toEqual([])
    expect(t.ask({ type: 'schema', id: 2, subject: '' })).toMatchObject({ errorCode: 40403 })
    expect(t.ask({ type: 'config', subject: 's', inherit: false })).toMatchObject({ errorCode: 40408 })
    expect(t.register('s', '"int"')).toMatchObject({ id: 3, version: 1 })
    expect(t.restarted({ compacted: true })).toEqual(t.restarted())
    expect(t.restarted({ compacted: true }).contexts.get('.')?.maxId).toBe(3)
  })

  it('a version that comes again after it was softly deleted is the next, with its id', () => {
    const t = new TestRegistry()
    t.register('s', ONE)
    t.register('s', TWO)
    expect(t.done(removeVersion('s', 2))).toBe(2)
    expect(t.ask(removeVersion('s', 2))).toMatchObject({ errorCode: 40406 })
    expect(t.ask(removeVersion('s', 1, true))).toMatchObject({ errorCode: 40407 })
    expect(t.ask(removeVersion('s', 9))).toMatchObject({ errorCode: 40402 })
    expect(t.ask(removeVersion('x', 1))).toMatchObject({ errorCode: 40401 })
    expect(t.register('s', TWO)).toMatchObject({ version: 3, id: 2 })
    // The deleted one gave way.
    expect(t.done(versions('s', 'all')).map(({ version }) => version)).toEqual([1, 3])
    expect(t.done(removeVersion('s', -1))).toBe(3)
  })

  it('spares what others refer to', () => {
    const t = new TestRegistry()
    t.register('inner', aRecord('Inner', 'a'))
    const outer = JSON.stringify({ type: 'record', name: 'Outer', fields: [{ name: 'i', type: 'Inner' }] })
    const references = [{ name: 'Inner', subject: 'inner', version: 1 }]
    expect(t.register('outer', outer, { references })).toMatchObject({ id: 2, references })
    expect(t.done({ type: 'referrers', subject: 'inner', version: 1, deleted: false })).toEqual([2])
    expect(t.ask(remove('inner'))).toEqual({
      errorCode: 42206,
      message: 'One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=inner,version=1}.',
    })
    expect(t.ask(removeVersion('inner', 1))).toMatchObject({ errorCode: 42206 })
    t.done(remove('outer'))
    expect(t.done({ type: 'referrers', subject: 'inner', version: 1, deleted: false })).toEqual([])
    expect(t.done({ type: 'referrers', subject: 'inner', version: 1, deleted: true })).toEqual([2])
    t.done(remove('inner'))
    expect(t.ask(remove('inner', true))).toMatchObject({ errorCode: 42206 })
    t.done(remove('outer', true))
    expect(t.done(remove('inner', true))).toEqual([1])
    expect(t.state.referrers.size).toBe(0)
    expect(t.state.sizeChars).toBe(0)
  })

  it('a context only when nothing is in it', () => {
    const t = new TestRegistry()
    t.register(':.c:s', ONE)
    const gone = { type: 'deleteContext', context: ':.c:' } as const
    expect(t.ask(gone)).toMatchObject({ errorCode: 42211 })
    t.done(remove(':.c:s'))
    t.done(remove(':.c:s', true))
    t.done(gone)
    expect(t.done({ type: 'contexts' })).toEqual(['.'])
  })
})

describe('configs', () => {
  it('hold for a subject, its context, or all', () => {
    const t = new TestRegistry()
    const level = (subject: string) => t.done({ type: 'config', subject, inherit: true }).compatibilityLevel
    expect(level('s')).toBe('BACKWARD')
    t.done(config(':.__GLOBAL:', { compatibilityLevel: 'NONE' }))
    expect([level(''), level('s'), level(':.c:s')]).toEqual(['NONE', 'NONE', 'NONE'])
    t.done(config('', { compatibilityLevel: 'FULL', normalize: true }))
    t.done(config(':.c:', { compatibilityLevel: 'FORWARD' }))
    expect([level(''), level('s'), level(':.c:s')]).toEqual(['FULL', 'FULL', 'FORWARD'])
    t.done(config('s', { compatibilityLevel: 'BACKWARD_TRANSITIVE' }))
    expect(t.done({ type: 'config', subject: 's', inherit: true })).toEqual({
      compatibilityLevel: 'BACKWARD_TRANSITIVE',
      normalize: true,
    })
    expect(t.done({ type: 'config', subject: 's', inherit: false })).toEqual({
      compatibilityLevel: 'BACKWARD_TRANSITIVE',
    })
    expect(t.done({ type: 'deleteConfig', subject: 's' })).toEqual({ compatibilityLevel: 'BACKWARD_TRANSITIVE' })
    expect(t.ask({ type: 'deleteConfig', subject: 's' })).toMatchObject({ errorCode: 40401 })
    expect(t.restarted()).toEqual(t.state)
  })

  it('change member by member; null takes one back', () => {
    const t = new TestRegistry()
    t.done(config('s', { compatibilityLevel: 'FULL', compatibilityGroup: 'g' }))
    expect(t.done(config('s', { compatibilityGroup: null, normalize: true }))).toEqual({
      compatibilityLevel: 'FULL',
      normalize: true,
    })
    expect(t.ask(config('s', { compatibilityLevel: 'SOME' }))).toMatchObject({ errorCode: 42203 })
    const long = { defaultMetadata: { properties: { a: 'x'.repeat(33_000_000) } } }
    expect(t.ask(config('s', long))).toMatchObject({ errorCode: 42205 })
    expect(t.ask(config('s'.repeat(601), {}))).toMatchObject({ errorCode: 42208 })
    expect(t.ask(config('__GLOBAL', { compatibilityLevel: 'FULL' }))).toMatchObject({ errorCode: 42208 })
  })

  it('an alias stands for another subject', () => {
    const t = new TestRegistry()
    t.register('s', ONE)
    t.done(config('nick', { alias: 's' }))
    expect(t.done({ type: 'version', subject: 'nick', version: -1, deleted: false }).subject).toBe('s')
    expect(t.register('nick', TWO)).toMatchObject({ subject: 's', version: 2 })
  })
})

describe('modes', () => {
  it('READONLY lets nothing be written, but what is there be registered again', () => {
    const t = new TestRegistry()
    t.register('s', ONE)
    t.done(mode('', 'readonly'))
    expect(t.register('s', ONE)).toMatchObject({ id: 1 })
    expect(t.register('s', TWO)).toEqual({ errorCode: 42205, message: 'Subject s in context  is in read-only mode' })
    for (const refused of [remove('s'), removeVersion('s', 1), config('s', { normalize: true })])
      expect(t.ask(refused)).toMatchObject({ errorCode: 42205 })
    t.done(mode('s', 'READWRITE'))
    expect(t.register('s', TWO)).toMatchObject({ id: 2 })
    expect(t.ask(mode('s', 'SIDEWAYS'))).toMatchObject({ errorCode: 42204 })
    expect(t.ask({ type: 'mode', subject: 'x', inherit: false })).toMatchObject({ errorCode: 40409 })
    expect(t.done({ type: 'mode', subject: 'x', inherit: true })).toBe('READONLY')
    expect(t.done({ type: 'deleteMode', subject: 's', recursive: false })).toBe('READWRITE')
    expect(t.ask({ type: 'deleteMode', subject: 's', recursive: false })).toMatchObject({ errorCode: 40401 })
  })

  it('IMPORT takes versions and ids from elsewhere, into what is empty', () => {
    const t = new TestRegistry()
    t.register('old', ONE)
    expect(t.ask(mode('', 'IMPORT'))).toEqual({
      errorCode: 42205,
      message: 'Cannot import since found existing subjects',
    })
    t.done(mode('s', 'IMPORT'))
    expect(t.register('s', '"int"')).toMatchObject({ errorCode: 42205 })
    expect(t.register('s', '"int"', { id: 40, version: 7 })).toMatchObject({ id: 40, version: 7 })
    expect(t.register('s', '"string"', { id: 41, version: 3 })).toMatchObject({ id: 41, version: 3 })
    expect(t.register('s', '"long"', { id: 40, version: 8 })).toMatchObject({
      errorCode: 42205,
      message: expect.stringContaining('Overwrite new schema with id 40'),
    })
    expect(t.done(versions('s')).map(({ version }) => version)).toEqual([3, 7])
    t.done({ type: 'deleteMode', subject: 's', recursive: false })
    expect(t.register('fresh', '"long"')).toMatchObject({ id: 42 })
    expect(t.restarted()).toEqual(t.state)
  })

  it('IMPORT takes a schema whose default or namespace would be refused of a new one', () => {
    const quirky = ['{"name":"f","type":["null","int"],"default":"null"}', '{"name":"g","type":"int","default":0}']
    const schema = (...fields: string[]) =>
      `{"type":"record","name":"R","namespace":"a-b","fields":[${fields.join(',')}]}`
    const t = new TestRegistry()
    expect(t.register('s', schema(quirky[0]!))).toMatchObject({ errorCode: 42201 })
    expect(t.ask(lookup('s', schema(quirky[0]!)))).toMatchObject({ errorCode: 40401 })
    t.done(mode('s', 'IMPORT'))
    expect(t.register('s', schema(quirky[0]!), { id: 7, version: 1 })).toMatchObject({
      id: 7,
      schema: schema(quirky[0]!),
    })
    t.done(mode('s', 'READWRITE'))
    expect(t.done(lookup('s', schema(quirky[0]!)))).toMatchObject({ id: 7 })
    expect(t.register('s', schema(quirky[0]!))).toMatchObject({ id: 7, version: 1 })
    expect(t.register('s', schema(...quirky))).toMatchObject({ errorCode: 42201 })
    // What comes after it is still compared with it.
    expect(t.register('s', aRecord('a.R', 'f'))).toMatchObject({ errorCode: 409 })
  })

  it('what was imported out of order stays deleted after compaction', () => {
    const t = new TestRegistry()
    t.done(mode('s', 'IMPORT'))
    t.register('s', '"int"', { id: 1, version: 5 })
    t.done(remove('s'))
    t.register('s', '"string"', { id: 2, version: 3 })
    t.done(remove('s'))
    expect(t.restarted({ compacted: true })).toEqual(t.state)
  })

  it('IMPORT clears what was softly deleted', () => {
    const t = new TestRegistry()
    t.register('s', ONE)
    t.done(remove('s'))
    t.done(mode('s', 'IMPORT'))
    expect(t.done(subjects(':*:', 'all'))).toEqual([])
    expect(t.restarted()).toEqual(t.state)
  })
})

describe('looking', () => {
  it('without a schema finds none', () => {
    const t = new TestRegistry()
    expect(t.ask(lookup('s', ''))).toMatchObject({ errorCode: 40401 })
    t.register('s', ONE)
    expect(t.ask(lookup('s', ' '))).toMatchObject({ errorCode: 40403 })
  })

  const t = new TestRegistry()
  t.register('a', ONE)
  t.register('a', TWO)
  t.register('b', ONE)
  t.register('b', '"int"')

  it.each([
    {
      given: { type: 'usesOfId', id: 1, subject: '', deleted: false },
      then: [
        { subject: 'a', version: 1 },
        { subject: 'b', version: 1 },
      ],
    },
    {
      given: { type: 'usesOfId', id: 9, subject: '', deleted: false },
      then: { errorCode: 40403, message: 'Schema not found' },
    },
    { given: { type: 'schema', id: 9, subject: '' }, then: { errorCode: 40403, message: 'Schema 9 not found' } },
    {
      given: { type: 'version', subject: 'a', version: 9, deleted: false },
      then: { errorCode: 40402, message: 'Version 9 not found.' },
    },
    {
      given: { type: 'version', subject: 'x', version: -1, deleted: false },
      then: { errorCode: 40401, message: "Subject 'x' not found." },
    },
    { given: lookup('a', '"int"'), then: { errorCode: 40403, message: 'Schema not found' } },
    { given: lookup('x', '"int"'), then: { errorCode: 40401 } },
    { given: lookup('a', TWO), then: { id: 2, version: 2 } },
    {
      given: { type: 'schemas', prefix: '', deleted: false, latestOnly: true, offset: 0, limit: -1 },
      then: [
        { subject: 'a', version: 2 },
        { subject: 'b', version: 1 },
      ],
    },
    {
      given: { type: 'schemas', prefix: 'b', deleted: false, latestOnly: false, offset: 0, limit: 1 },
      then: [{ subject: 'b', version: 1 }],
    },
  ] as { given: RegistryCommand; then: object }[])('$given', ({ given, then }) => {
    expect(t.ask(given)).toMatchObject(then)
  })

  it('a guid finds a schema in any context', () => {
    const { guid } = t.done({ type: 'schema', id: 1, subject: '' })
    expect(guid).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)
    expect(t.done({ type: 'schemaOfGuid', guid })).toMatchObject({ id: 1 })
    expect(t.done({ type: 'idsOfGuid', guid })).toEqual([{ context: '.', id: 1 }])
  })
})

it('keys and values are those of Confluent’s registry', () => {
  const t = new TestRegistry()
  t.register('s', '"int"')
  t.done(config('', { compatibilityLevel: 'FULL' }))
  t.done(config('s', { compatibilityLevel: 'NONE' }))
  t.done(mode('s', 'READONLY_OVERRIDE'))
  t.done(mode('s', 'READWRITE'))
  t.done(remove('s'))
  const text = new TextDecoder()
  expect(t.records.map(({ key, value }) => [text.decode(key), value && text.decode(value)])).toEqual([
    [
      '{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}',
      '{"subject":"s","version":1,"id":1,"schemaType":"AVRO","schema":"\\"int\\"","deleted":false}',
    ],
    ['{"keytype":"CONFIG","magic":0}', '{"compatibilityLevel":"FULL"}'],
    ['{"keytype":"CONFIG","subject":"s","magic":0}', '{"subject":"s","compatibilityLevel":"NONE"}'],
    ['{"keytype":"MODE","subject":"s","magic":0}', '{"subject":"s","mode":"READONLY_OVERRIDE"}'],
    ['{"keytype":"MODE","subject":"s","magic":0}', '{"subject":"s","mode":"READWRITE"}'],
    ['{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}', '{"subject":"s","version":1}'],
  ])
})

it('whatever is done to it, its log says what it knows, compacted or not', () => {
  const subject = fc.constantFrom('a', 'b', ':.c:a')
  const scope = fc.constantFrom('', 'a', 'b', ':.c:', ':.c:a')
  const schema = fc.constantFrom(ONE, TWO, BAD, '"int"', '"string"')
  const number = fc.integer({ min: 1, max: 4 })
  const references = fc.constantFrom([], [], [{ name: 'r', subject: 'a', version: 1 }])
  const command = fc.oneof(
    fc
      .record({ subject, schema, references })
      .map(({ subject: of, schema: text, references: refs }): RegistryCommand => {
        return { type: 'register', subject: of, request: aRequest(text, { references: refs }), normalize: false }
      }),
    fc
      .record({ subject, schema, version: number, id: number })
      .map(({ subject: of, schema: text, ...more }): RegistryCommand => {
        return { type: 'register', subject: of, request: aRequest(text, more), normalize: false }
      }),
    fc.record({ subject, permanent: fc.boolean() }).map(({ subject: of, permanent }) => remove(of, permanent)),
    fc
      .record({ subject, version: fc.constantFrom(-1, 1, 2, 3), permanent: fc.boolean() })
      .map(({ subject: of, version, permanent }) => removeVersion(of, version, permanent)),
    fc
      .record({ scope, to: fc.constantFrom('IMPORT', 'READWRITE', 'READONLY'), force: fc.boolean() })
      .map(({ scope: of, to, force }) => mode(of, to, force)),
    fc
      .record({ scope, level: fc.constantFrom('NONE', 'BACKWARD') })
      .map(({ scope: of, level }) => config(of, { compatibilityLevel: level })),
  )
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), commands => {
      const t = new TestRegistry()
      for (const each of commands) t.ask(each)
      expect(t.restarted()).toEqual(t.state)
      expect(t.restarted({ compacted: true })).toEqual(t.state)
      for (const { ids, maxId } of t.state.contexts.values())
        for (const id of ids.keys()) expect(id).toBeLessThanOrEqual(maxId)
    }),
    { numRuns: 1_000 },
  )
})
