import { describe, expect, it } from 'vitest'
import { type Configuration, configurationText } from '../../testing/configuration.ts'

const given: Configuration = {
  settings: {
    name: 'edgelog',
    main: 'src/worker/index.ts',
    compatibilityDate: '2026-10-23',
    compatibilityFlags: ['nodejs_compat'],
    objects: [{ binding: 'CLUSTER', className: 'ClusterObject' }],
    vars: {},
    httpPort: 8787,
    kafkaPorts: [9092],
  },
  flags: ['unsafe_module'],
  code: 'worker.js',
  vars: ['EDGELOG_ADMIN_TOKEN'],
  storage: 'C:\\data "x"',
  assetsPort: 3,
  httpPort: 1,
  kafkaPorts: [2, 4],
}

describe('what workerd is told', () => {
  it.each([
    ['the objects, where wrangler dev has them', 'uniqueKey = "edgelog-ClusterObject"'],
    ['flags of wrangler.toml and others', '"nodejs_compat",\n        "unsafe_module"'],
    ['that a setting is in the environment', '(name = "EDGELOG_ADMIN_TOKEN", fromEnvironment = "EDGELOG_ADMIN_TOKEN")'],
    ['a path as it is, whatever is in it', 'path = "C:\\\\data \\"x\\""'],
    ['the port of HTTP', 'address = "127.0.0.1:1", http = ()'],
    ['each Kafka port', 'name = "kafka-1", address = "127.0.0.1:4", tcp = ()'],
  ])('has %s', (_, line) => expect(configurationText(given)).toContain(line))
})
