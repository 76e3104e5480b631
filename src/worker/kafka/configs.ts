// How configs are told to clients: each with where its value comes from and what else could have given it (KIP-226).
// Kafka's ConfigHelper. Which configs there are and what they mean is the cluster's to know.

import { brokerConfigs } from '../../cluster/broker-configs.ts'
import type { ConfigDef, ConfigType } from '../../cluster/config-def.ts'
import { type Overrides, topicConfigs, type TopicConfigName, topicDefault } from '../../cluster/configs.ts'
import type { Node } from './nodes.ts'

/** Kafka's ConfigSource. What the environment sets stands for a server.properties. */
const TOPIC = 1
const STATIC_BROKER = 4
const DEFAULT = 5

/** Kafka's DescribeConfigsResponse.ConfigType. */
const TYPES: Readonly<Record<ConfigType, number>> = { BOOLEAN: 1, STRING: 2, INT: 3, LONG: 5, DOUBLE: 6, LIST: 7 }

interface Synonym {
  readonly name: string
  readonly value: string | null
  readonly source: number
}

export interface ConfigEntry {
  readonly name: string
  readonly value: string | null
  readonly readOnly: boolean
  readonly configSource: number
  readonly isSensitive: boolean
  readonly synonyms: readonly Synonym[]
  readonly configType: number
  readonly documentation: string
}

const topicTable = Object.entries(topicConfigs) as [TopicConfigName, ConfigDef][]
const brokerTable: Readonly<Record<string, ConfigDef>> = brokerConfigs

/** All configs of a topic with these overrides. */
export function topicEntries(overrides: Overrides, broker: Overrides): ConfigEntry[] {
  return topicTable.flatMap(([name, def]) => {
    const own = overrides[name]
    if (def.internal && own === undefined) return []
    const [stand] = def.synonyms
    const inherited = stand === undefined ? [] : synonymsOf(stand.name, broker)
    const synonyms = own === undefined ? inherited : [{ name, value: own, source: TOPIC }, ...inherited]
    return [entry(name, own ?? topicDefault(name, broker), def, synonyms, def.fixed === true)]
  })
}

/** All configs of a broker. They are read-only: the environment sets them. */
export function brokerEntries(broker: Overrides, node: Node): ConfigEntry[] {
  const own = Object.entries(brokerTable).map(([name, def]) =>
    entry(name, broker[name] ?? def.default, def, synonymsOf(name, broker), true),
  )
  const settings = [
    setting(
      'advertised.listeners',
      `PLAINTEXT://${node.host}:${node.port}`,
      'LIST',
      'Where clients reach this broker.',
    ),
    setting('broker.id', String(node.nodeId), 'INT', 'The number of this broker among those that are advertised.'),
    setting('node.id', String(node.nodeId), 'INT', 'The number of this broker among those that are advertised.'),
  ]
  return [...settings, ...own]
}

function entry(
  name: string,
  value: string | null,
  def: ConfigDef,
  synonyms: readonly Synonym[],
  readOnly: boolean,
): ConfigEntry {
  return {
    name,
    value,
    readOnly,
    configSource: synonyms[0]?.source ?? DEFAULT,
    isSensitive: false,
    synonyms,
    configType: TYPES[def.type],
    documentation: def.noEffect === undefined ? def.documentation : `${def.documentation} No effect: ${def.noEffect}`,
  }
}

function setting(name: string, value: string, type: ConfigType, documentation: string): ConfigEntry {
  const synonyms = [{ name, value, source: STATIC_BROKER }]
  const told = { readOnly: true, configSource: STATIC_BROKER, isSensitive: false, configType: TYPES[type] }
  return { name, value, ...told, synonyms, documentation }
}

/** Configs of the broker that stand in for each other, best first, as the topic configs behind them say. */
const families = topicTable
  .map(([, { synonyms }]) => synonyms.map(({ name }) => name))
  .filter(family => family.length > 1)

/** What could have given a broker config its value, best first. As in Kafka, those before the config itself don't count. */
function synonymsOf(name: string, broker: Overrides): Synonym[] {
  const family = families.find(names => names.includes(name)) ?? [name]
  const values = [
    ...family.map(member => ({ name: member, value: broker[member] ?? null, source: STATIC_BROKER })),
    ...family.map(member => ({ name: member, value: brokerTable[member]?.default ?? null, source: DEFAULT })),
  ].filter(({ value }) => value !== null)
  const first = values.findIndex(synonym => synonym.name === name)
  return first < 0 ? [] : values.slice(first)
}
