// `edgelog groups`: list, describe, move the offsets of, and delete consumer groups.

import { type Command, Option } from 'commander'
import type { Group, ListedGroup } from '../client/answers.ts'
import { Failed } from './failed.ts'
import { count, duration, integer, timestamp } from './parse.ts'
import { bold, counted, print, printJson, printTable } from './print.ts'
import { part, Remote } from './remote.ts'

interface Moved {
  readonly dryRun: boolean
  readonly offsets: readonly {
    readonly topic: string
    readonly partition: number
    readonly from: number | null
    readonly to: number
  }[]
}

export function addGroups(program: Command): void {
  const groups = program.command('groups').description('list, describe, reset and delete consumer groups')
  groups
    .command('list')
    .description('list the groups')
    .action(async (_, command: Command) => {
      const remote = Remote.of(command)
      const { groups: all } = await remote.get<{ groups: ListedGroup[] }>('v1/groups')
      if (remote.json) return printJson(all)
      const rows = all.map(({ group, state, type, protocolType }) => [group, state, type, protocolType])
      printTable(['GROUP', 'STATE', 'TYPE', 'PROTOCOL'], rows, 'There are no groups yet.')
    })
  groups
    .command('describe')
    .description('show a group: its members, its offsets, and how far it is behind')
    .argument('<group>')
    .option('-m, --members', 'the members, too')
    .action(async (name: string, { members }, command: Command) => {
      const remote = Remote.of(command)
      const group = await remote.get<Group>(`v1/groups/${part(name)}`)
      if (remote.json) return printJson(group)
      print(`${bold(group.group)}  ${group.state}, ${counted(group.members.length, 'member')}, lag ${group.totalLag}`)
      const owner = new Map<string, string>()
      for (const { clientId, assignment } of group.members)
        for (const { topic, partitions } of assignment)
          for (const partition of partitions) owner.set(`${topic}-${partition}`, clientId)
      printTable(
        ['TOPIC', 'PARTITION', 'OFFSET', 'END', 'LAG', 'CLIENT'],
        group.offsets.map(({ topic, partition, offset, endOffset, lag }) => [
          topic,
          partition,
          offset,
          endOffset,
          lag,
          owner.get(`${topic}-${partition}`),
        ]),
        'It has committed nothing.',
      )
      if (!members) return
      printTable(
        ['MEMBER', 'CLIENT', 'HOST', 'PARTITIONS'],
        group.members.map(({ memberId, clientId, clientHost, assignment }) => [
          memberId,
          clientId,
          clientHost,
          assignment.map(({ topic, partitions }) => `${topic}(${partitions.join(',')})`).join(' '),
        ]),
        'It has no members.',
      )
    })
  groups
    .command('reset-offsets')
    .description('move the offsets of a group that has no members; shows what it would do, unless told --execute')
    .argument('<group>')
    .option('-t, --topic <topic>', 'one topic only')
    .addOption(new Option('--to-earliest').conflicts(['toLatest', 'toOffset', 'toTime', 'by', 'shiftBy']))
    .addOption(new Option('--to-latest').conflicts(['toOffset', 'toTime', 'by', 'shiftBy']))
    .addOption(new Option('--to-offset <offset>').argParser(count).conflicts(['toTime', 'by', 'shiftBy']))
    .addOption(
      new Option('--to-time <time>', 'a date, or ms since 1970').argParser(timestamp).conflicts(['by', 'shiftBy']),
    )
    .addOption(new Option('--by <duration>', 'back by a time: 1h').argParser(duration).conflicts('shiftBy'))
    .addOption(new Option('--shift-by <n>', 'forward by so many records, or back: -10').argParser(integer))
    .option('-x, --execute', 'do it')
    .action(async (name: string, options, command: Command) => {
      const remote = Remote.of(command)
      const { topic, execute } = options
      const body = { to: target(options), ...(topic === undefined ? {} : { topics: [topic] }), dryRun: !execute }
      const moved = await remote.send<Moved>('POST', `v1/groups/${part(name)}/offsets/reset`, body)
      if (remote.json) return printJson(moved)
      const rows = moved.offsets.map(({ topic: of, partition, from, to }) => [of, partition, from, to])
      printTable(['TOPIC', 'PARTITION', 'FROM', 'TO'], rows, 'There is nothing to move.')
      if (moved.dryRun) print('Nothing was changed: --execute does it.')
    })
  groups
    .command('delete')
    .description('delete groups and their offsets')
    .argument('<group...>')
    .action(async (names: string[], _, command: Command) => {
      const remote = Remote.of(command)
      for (const name of names) {
        await remote.send('DELETE', `v1/groups/${part(name)}`)
        if (!remote.json) print(`Deleted ${name}.`)
      }
    })
}

interface Targets {
  readonly toEarliest?: boolean
  readonly toLatest?: boolean
  readonly toOffset?: number
  readonly toTime?: number
  readonly by?: number
  readonly shiftBy?: number
}

function target({ toEarliest, toLatest, toOffset, toTime, by, shiftBy }: Targets): string | object {
  if (toEarliest) return 'earliest'
  if (toLatest) return 'latest'
  if (toOffset !== undefined) return { offset: toOffset }
  if (toTime !== undefined) return { timestamp: toTime }
  if (by !== undefined) return { duration: `PT${Math.ceil(by / 1_000)}S` }
  if (shiftBy !== undefined) return { shiftBy }
  throw new Failed('Say where to: --to-earliest, --to-latest, --to-offset, --to-time, --by or --shift-by.', 2)
}
