import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newApp } from '../../src/worker/app.ts'
import { mountConsume } from '../../src/worker/consume.ts'
import { docsPage } from '../../src/worker/docs.ts'
import { mountGroups } from '../../src/worker/group-routes.ts'
import { isMalformed } from '../../src/worker/malformed.ts'
import { openApi, type Schema } from '../../src/worker/openapi.ts'
import { mountProduce } from '../../src/worker/produce.ts'
import { parseRecords } from '../../src/worker/records-in.ts'
import { recordsSchema } from '../../src/worker/schemas.ts'
import { mountTopics } from '../../src/worker/topics.ts'
import { mountTransactions } from '../../src/worker/transaction-routes.ts'

const app = newApp()
mountTopics(app)
mountProduce(app)
mountConsume(app)
mountGroups(app)
mountTransactions(app)
const document = openApi(app)

describe('/openapi.json', () => {
  it('has every route', () => {
    const routes = Object.entries(document.paths).map(([path, methods]) => [path, Object.keys(methods).sort()])
    expect(Object.fromEntries(routes)).toEqual({
      '/v1/topics': ['get', 'post'],
      '/v1/topics/{topic}': ['delete', 'get', 'patch'],
      '/v1/topics/{topic}/records': ['post'],
      '/v1/topics/{topic}/partitions/{partition}/records': ['delete', 'get', 'post'],
      '/v1/groups': ['get'],
      '/v1/groups/{group}': ['delete', 'get'],
      '/v1/groups/{group}/offsets': ['delete', 'get', 'put'],
      '/v1/groups/{group}/offsets/reset': ['post'],
      '/v1/transactions': ['post'],
    })
  })

  it('says bounds and defaults as they are checked', () => {
    const read = document.paths['/v1/topics/{topic}/partitions/{partition}/records']!['get']!
    const limit = read.parameters!.find(({ name }) => name === 'limit')!
    expect(limit).toMatchObject({
      in: 'query',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 10_000, default: 500 },
    })
    expect(read.parameters!.find(({ name }) => name === 'format')).toMatchObject({
      schema: { enum: ['json', 'text', 'base64', 'schema'], default: 'json' },
    })
  })

  it('refers to nothing that is not there', () => {
    const known = Object.keys(document.components!.schemas!)
    const names = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(match => match[1]!)
    expect(names.length).toBeGreaterThan(10)
    expect(new Set(names).difference(new Set(known))).toEqual(new Set())
  })

  it('describes the records that are accepted, and no others', () => {
    const header = fc.oneof(fc.string(), fc.constant(null), fc.constant({ base64: 'aGk=' }), fc.constant(7))
    const headers = fc.oneof(
      fc.dictionary(fc.constantFrom('a', 'b'), fc.oneof(header, fc.array(header, { maxLength: 2 })), { maxKeys: 2 }),
      fc.array(fc.record({ key: fc.constantFrom('a', 7), value: header }, { requiredKeys: [] }), { maxLength: 2 }),
      fc.constantFrom(null, 'text'),
    )
    const number = fc.constantFrom(null, 0, 1, -1, 1.5, 2 ** 31 - 1, 2 ** 31, 2 ** 53 - 1, 2 ** 53, 'x')
    const record = fc.record(
      {
        value: fc.jsonValue(),
        key: fc.jsonValue(),
        headers,
        timestamp: number,
        partition: number,
        extra: fc.constant(1),
      },
      { requiredKeys: [] },
    )
    const often = fc.oneof(
      { weight: 4, arbitrary: record.map(given => ({ value: 1, ...given, extra: undefined })) },
      record,
    )
    const body = fc.oneof(
      often,
      fc.array(often, { maxLength: 3 }),
      fc.record({ records: fc.array(often, { maxLength: 3 }) }),
      fc.constantFrom(7, 'x', null),
    )
    let accepted = 0
    fc.assert(
      fc.property(body, given => {
        const json = JSON.stringify(given)
        const text = new TextEncoder().encode(json)
        const parsed = parseRecords(text, { format: 'json', keyFormat: 'json', now: 0 })
        const takes = recordsSchema.safeParse(JSON.parse(json)).success
        if (takes) accepted++
        expect(!isMalformed(parsed)).toBe(takes)
      }),
      { numRuns: 500 },
    )
    expect(accepted).toBeGreaterThan(50)
  })
})

it('the pages let a browser console follow topics live, as the README shows', () => {
  expect(docsPage(document).headers.get('content-security-policy')).toContain("connect-src 'self'")
})

describe('/docs', () => {
  it('shows every route, every schema and every error, and loads nothing', async () => {
    const page = await docsPage(document).text()
    for (const path of Object.keys(document.paths)) expect(page).toContain(`<code>${path}</code>`)
    for (const name of Object.keys(document.components!.schemas as Record<string, Schema>))
      expect(page).toContain(`id="${name}"`)
    expect(page).toContain('id="OFFSET_OUT_OF_RANGE"')
    expect(page).not.toMatch(/<script|src=|@import|<link/)
    expect(page).not.toContain('undefined')
    expect(page).not.toContain('[object')
  })
})
