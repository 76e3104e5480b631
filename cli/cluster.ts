// `edgelog cluster`: which broker this is, and how it is configured.

import type { Command } from 'commander'
import type { Cluster } from '../client/answers.ts'
import { bold, counted, print, printJson, printTable } from './print.ts'
import { Remote } from './remote.ts'

export function addCluster(program: Command): void {
  program
    .command('cluster')
    .description('show the cluster: its brokers, how much there is, and its configs')
    .option('-c, --config', 'its configs, too')
    .action(async ({ config }, command: Command) => {
      const remote = Remote.of(command)
      const cluster = await remote.get<Cluster>('v1/cluster')
      if (remote.json) return printJson(cluster)
      const { topics, partitions } = cluster
      print(`${bold(cluster.clusterId)}  ${counted(topics, 'topic')}, ${counted(partitions, 'partition')}`)
      const rows = cluster.brokers.map(({ nodeId, host, port }) => [nodeId, `${host}:${port}`])
      printTable(['BROKER', 'ADDRESS'], rows, 'It has no brokers.')
      if (!config) return
      const configs = cluster.config.map(({ name, value, source }) => [name, value, source])
      printTable(['CONFIG', 'VALUE', 'FROM'], configs, 'It has no configs.')
    })
}
