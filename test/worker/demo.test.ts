import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { holds, Ledger } from '../../scripts/demo/ledger.ts'
import { type Broker, startBroker } from '../../testing/broker.ts'

describe('the ledger', () => {
  const sent = [
    { key: 'a', value: '1' },
    { key: 'b', value: '2' },
    { key: 'a', value: '3' },
  ]
  const places = [
    { partition: 0, offset: 0 },
    { partition: 1, offset: 0 },
    { partition: 0, offset: 1 },
  ]
  const got = sent.map(({ key, value }, i) => ({ ...places[i]!, key, value: Number(value) }))
  const [one, two, three] = got as [(typeof got)[0], (typeof got)[0], (typeof got)[0]]

  it.each([
    ['everything once, whatever the order of keys', [two, one, three], {}],
    ['one too few', [one, three], { lost: 1 }],
    ['one twice', [one, two, two, three], { twice: 1 }],
    ['one changed', [one, { ...two, value: 7 }, three], { lost: 1, wrong: 1 }],
    ['one under another key', [one, { ...two, key: 'a' }, three], { lost: 1, wrong: 1 }],
    ['one at a place where nothing is', [one, two, three, { ...one, offset: 9 }], { wrong: 1 }],
    ['two of a key the other way round', [three, two, one], { outOfOrder: 1 }],
  ])('sees %s', (_, given, then) => {
    const ledger = new Ledger(sent)
    for (const [index, place] of places.entries()) ledger.stored(index, place)
    const reader = ledger.reader()
    for (const record of given) reader.see(record)
    const verdict = reader.verdict()
    expect(verdict).toMatchObject({ read: given.length, lost: 0, twice: 0, wrong: 0, outOfOrder: 0, ...then })
    expect(holds(verdict)).toBe(Object.keys(then).length === 0)
  })

  it('does not take two records at one place', () => {
    const ledger = new Ledger(sent)
    ledger.stored(0, places[0]!)
    expect(() => ledger.stored(1, places[0]!)).toThrow('0:0')
  })
})

describe('npm run demo', () => {
  const script = join(import.meta.dirname, '../../scripts/demo.ts')
  const demo = (...args: string[]) => promisify(execFile)(process.execPath, [script, ...args])
  let broker: Broker

  beforeAll(async () => {
    broker = await startBroker()
  })
  afterAll(() => broker.close())

  it('proves that nothing is lost, twice or out of order; again and again', async () => {
    for (let run = 0; run < 2; run++) {
      const { stdout } = await demo('--url', broker.http.href, '--records', '20000')
      expect(stdout).toContain('live     20,000 records of')
      expect(stdout).toContain('cut and resumed 10 times')
      expect(stdout).toContain('Nothing lost, nothing twice, order per key kept.')
    }
  })

  it('loads the earthquakes, to be looked at', async () => {
    const { stdout } = await demo('earthquakes', '--url', broker.http.href)
    const [, url] = /curl '(.*)'/.exec(stdout)!
    const answer = (await (await fetch(url!)).json()) as { records: { value: { magnitude: number } }[] }
    expect(answer.records).toHaveLength(3)
    expect(answer.records[2]!.value.magnitude).toBe(2)
  })

  it('says how to start a broker where there is none', async () => {
    const failed = (await demo('--url', 'http://127.0.0.1:9').catch((error: unknown) => error)) as {
      code: number
      stderr: string
    }
    expect(failed.code).toBe(1)
    expect(failed.stderr).toContain('npm start')
  })
})
