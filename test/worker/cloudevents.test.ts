import { describe, expect, it } from 'vitest'
import { batchedEvents, binaryEvent, structuredEvent } from '../../src/worker/cloudevents.ts'
import { isMalformed, type Malformed } from '../../src/worker/malformed.ts'
import type { Draft } from '../../src/worker/records-in.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const plain = (bytes: Uint8Array | null) => (bytes === null ? null : new TextDecoder().decode(bytes))
const options = { key: null, now: 5 }
const event = { specversion: '1.0', id: '1', source: '/s', type: 'com.example' }

function legible(drafts: Draft[] | Malformed) {
  if (isMalformed(drafts)) return drafts
  return drafts.map(({ key, value, headers, timestamp, partition }) => ({
    key: plain(key),
    value: plain(value),
    headers: headers.map(header => [header.key, plain(header.value)]),
    timestamp,
    partition,
  }))
}

describe('structured', () => {
  const contentType = ['content-type', 'application/cloudevents+json; charset=UTF-8']

  it('keeps the whole event as the value, keyed by its partitionkey', () => {
    const text = JSON.stringify({ ...event, partitionkey: 'k', data: { n: 1 } }, null, 2).replace('"n": 1', '"n": 1.10')
    expect(legible(structuredEvent(utf8(text), options))).toEqual([
      {
        key: 'k',
        value: JSON.stringify({ ...event, partitionkey: 'k', data: { n: 1 } }).replace('"n":1', '"n":1.10'),
        headers: [contentType],
        timestamp: 5,
        partition: -1,
      },
    ])
  })

  it('prefers the key of the caller', () => {
    const text = JSON.stringify({ ...event, partitionkey: 'k' })
    expect(legible(structuredEvent(utf8(text), { ...options, key: utf8('mine') }))).toMatchObject([{ key: 'mine' }])
  })

  it('makes a record of each event of a batch', () => {
    const events = [event, { ...event, id: '2', sequence: 7, flag: true, subject: null }]
    expect(legible(batchedEvents(utf8(JSON.stringify(events)), options))).toMatchObject(
      events.map(each => ({ key: null, value: JSON.stringify(each), headers: [contentType] })),
    )
    expect(batchedEvents(utf8('[]'), options)).toEqual([])
  })

  it.each([
    { given: { ...event, id: undefined }, says: 'id is missing' },
    { given: { ...event, source: '' }, says: 'source is missing' },
    { given: { ...event, specversion: '0.3' }, says: 'specversion must be 1.0' },
    { given: { ...event, data: 1, data_base64: 'MQ==' }, says: 'data_base64 cannot stand beside data' },
    { given: { ...event, bad_name: 1 }, says: 'bad_name is no name' },
    { given: { ...event, object: {} }, says: 'object must be a string' },
    { given: 7, says: 'A record must be an object: a CloudEvent' },
  ])('refuses what is no event: $says', ({ given, says }) => {
    const one = structuredEvent(utf8(JSON.stringify(given)), options)
    expect(one).toMatchObject({ malformed: expect.stringContaining(says) })
    const many = batchedEvents(utf8(JSON.stringify([event, given])), options)
    expect(many).toMatchObject({ malformed: expect.stringContaining('records[1]'), record: 1 })
  })

  it('says where the text is not JSON', () => {
    expect(structuredEvent(utf8('{"id":}'), options)).toMatchObject({ position: 6 })
    expect(batchedEvents(utf8('{}'), options)).toMatchObject({ malformed: expect.stringContaining('an array') })
  })
})

describe('binary', () => {
  const headers = (more: Record<string, string> = {}) =>
    new Headers({ 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't', ...more })

  it('keeps data as the value and attributes as ce_ headers', () => {
    const given = headers({
      'content-type': 'image/png',
      'ce-subject': 'gr%C3%BCn%20x',
      'ce-partitionkey': 'k',
      other: 'x',
    })
    expect(legible(binaryEvent(utf8('data'), given, options))).toEqual([
      {
        key: 'k',
        value: 'data',
        headers: [
          ['content-type', 'image/png'],
          ['ce_id', '1'],
          ['ce_partitionkey', 'k'],
          ['ce_source', '/s'],
          ['ce_specversion', '1.0'],
          ['ce_subject', 'grün x'],
          ['ce_type', 't'],
        ],
        timestamp: 5,
        partition: -1,
      },
    ])
  })

  it('is a record without a value where there is no data', () => {
    expect(legible(binaryEvent(new Uint8Array(0), headers(), options))).toMatchObject([{ key: null, value: null }])
  })

  it.each([
    { given: headers({ 'ce-specversion': '2.0' }), field: 'ce-specversion' },
    { given: headers({ 'ce-id': '' }), field: 'ce-id' },
    { given: headers({ 'ce-under_score': 'x' }), field: 'ce-under_score' },
    { given: headers({ 'ce-subject': '%zz' }), field: 'ce-subject' },
    { given: headers({ 'ce-subject': '%ff' }), field: 'ce-subject' },
  ])('refuses $field', ({ given, field }) => expect(binaryEvent(utf8(''), given, options)).toMatchObject({ field }))
})
