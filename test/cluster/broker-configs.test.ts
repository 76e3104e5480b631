import { describe, expect, it } from 'vitest'
import {
  brokerConfig,
  brokerConfigs,
  brokerConfigsFromEnv,
  readBrokerConfig,
} from '../../src/cluster/broker-configs.ts'
import { topicConfigs } from '../../src/cluster/configs.ts'
import type { ConfigDef } from '../../src/cluster/config-def.ts'

const table: Record<string, ConfigDef> = brokerConfigs

describe('the broker configs', () => {
  for (const [name, def] of Object.entries(table))
    it(`${name}: its default is legal`, () => {
      if (def.default !== null) expect(readBrokerConfig(name, def.default)).toBe(def.default)
    })

  for (const [name, { synonyms, default: preset, noEffect }] of Object.entries<ConfigDef>(topicConfigs))
    for (const synonym of synonyms)
      it(`${name} takes its default from ${synonym.name}`, () => {
        const def = table[synonym.name]
        expect(def).toBeDefined()
        expect(def!.noEffect).toBe(noEffect)
        if (def!.default !== null)
          expect(synonym.factor === 1 ? def!.default : String(Number(def!.default) * synonym.factor)).toBe(preset)
      })

  it('hold as typed values, null where nothing is set', () => {
    const config = brokerConfig({ 'num.partitions': '3' })
    expect(config['num.partitions']).toBe(3)
    expect(config['auto.create.topics.enable']).toBe(true)
    expect(config['log.retention.ms']).toBeNull()
  })
})

describe('the environment', () => {
  it('overrides what it names', () =>
    expect(
      brokerConfigsFromEnv({
        EDGELOG_NUM_PARTITIONS: ' 4 ',
        EDGELOG_LOG_RETENTION_MS: '1000',
        EDGELOG_LOG_ROLL_MS: '',
        EDGELOG_LOCAL: '1',
        CLUSTER: {},
      }),
    ).toEqual({ 'num.partitions': '4', 'log.retention.ms': '1000' }))
  it('is refused by name where it is wrong', () =>
    expect(brokerConfigsFromEnv({ EDGELOG_NUM_PARTITIONS: '0' })).toEqual({
      error: 'INVALID_CONFIG',
      message: 'EDGELOG_NUM_PARTITIONS: Invalid value 0 for configuration num.partitions: Value must be at least 1',
    }))
})
