// `edgelog topics`: create, list, describe, alter and delete.

import type { Command } from 'commander'
import type { Config, Partition, Topic } from '../client/answers.ts'
import { Failed } from './failed.ts'
import { config, count } from './parse.ts'
import { bold, bytes, counted, print, printJson, printTable } from './print.ts'
import { part, Remote } from './remote.ts'

export function addTopics(program: Command): void {
  const topics = program.command('topics').description('create, list, describe, alter and delete topics')
  topics
    .command('create')
    .description('create a topic')
    .argument('<topic>')
    .option('-p, --partitions <count>', "the broker's num.partitions, if nothing is said", count)
    .option('-c, --config <name=value>', 'a config, as often as you like', config)
    .action(async (name: string, { partitions, config: configs }, command: Command) => {
      const remote = Remote.of(command)
      const topic = await remote.send<Topic>('POST', 'v1/topics', { name, partitions, config: configs })
      if (remote.json) return printJson(topic)
      print(`Created ${topic.name} with ${counted(topic.partitions.length, 'partition')}.`)
    })
  topics
    .command('list')
    .description('list the topics')
    .action(async (_, command: Command) => {
      const remote = Remote.of(command)
      const { topics: all } = await remote.get<{ topics: Topic[] }>('v1/topics')
      if (remote.json) return printJson(all)
      printTable(
        ['TOPIC', 'PARTITIONS', 'RECORDS', 'SIZE', 'CONFIG'],
        all.map(topic => [
          topic.name,
          topic.partitions.length,
          sum(topic, ({ highWatermark = 0, logStartOffset = 0 }) => highWatermark - logStartOffset),
          bytes(sum(topic, ({ sizeBytes = 0 }) => sizeBytes)),
          Object.entries(topic.config)
            .map(([name, value]) => `${name}=${value}`)
            .join(' '),
        ]),
        'There are no topics yet.',
      )
    })
  topics
    .command('describe')
    .description('show a topic: its partitions and its configs')
    .argument('<topic>')
    .option('-a, --all', 'all configs, those too that have their default')
    .action(async (name: string, { all }, command: Command) => {
      const remote = Remote.of(command)
      const topic = await remote.get<Topic>(`v1/topics/${part(name)}`)
      const configs = all ? await configsOf(remote, name) : undefined
      if (remote.json) return printJson(configs === undefined ? topic : { ...topic, configs })
      print(`${bold(topic.name)}  ${topic.topicId}`)
      if (configs === undefined) for (const [key, value] of Object.entries(topic.config)) print(`  ${key}=${value}`)
      printTable(
        ['PARTITION', 'START', 'END', 'SIZE', 'SEGMENTS'],
        topic.partitions.map(({ partition, logStartOffset, highWatermark, sizeBytes, segments }) => [
          partition,
          logStartOffset,
          highWatermark,
          sizeBytes === undefined ? null : bytes(sizeBytes),
          segments,
        ]),
        'It has no partitions.',
      )
      if (configs === undefined) return
      const rows = configs.map(({ name: key, value, source }) => [key, value, source])
      printTable(['CONFIG', 'VALUE', 'FROM'], rows, 'It has no configs.')
    })
  topics
    .command('alter')
    .description('add partitions to a topic, or change its configs')
    .argument('<topic>')
    .option('-p, --partitions <count>', 'as many as it is to have: more than now', count)
    .option('-c, --config <name=value>', 'a config, as often as you like; nothing behind the sign: the default', config)
    .action(async (name: string, { partitions, config: configs }, command: Command) => {
      if (partitions === undefined && configs === undefined)
        throw new Failed('Say what to change: --partitions or --config.', 2)
      const remote = Remote.of(command)
      const topic = await remote.send<Topic>('PATCH', `v1/topics/${part(name)}`, { partitions, config: configs })
      if (remote.json) return printJson(topic)
      print(`Changed ${topic.name}.`)
    })
  topics
    .command('delete')
    .description('delete topics and everything in them')
    .argument('<topic...>')
    .action(async (names: string[], _, command: Command) => {
      const remote = Remote.of(command)
      for (const name of names) {
        await remote.send('DELETE', `v1/topics/${part(name)}`)
        if (!remote.json) print(`Deleted ${name}.`)
      }
    })
}

const configsOf = async (remote: Remote, name: string) =>
  (await remote.get<{ config: Config[] }>(`v1/topics/${part(name)}/config`)).config

const sum = ({ partitions }: Topic, of: (partition: Partition) => number): number =>
  partitions.reduce((total, partition) => total + of(partition), 0)
