// `edgelog dev`: the local broker, until Ctrl-C.

import type { Command } from 'commander'
import { Failed } from './failed.ts'
import { port } from './parse.ts'
import { print } from './print.ts'

export function addDev(program: Command): void {
  program
    .command('dev')
    .description('run a broker here, until Ctrl-C')
    .option('--http <port>', 'for HTTP, SSE and WebSocket; 0 takes a free one', port, 8_787)
    .option('--kafka <port>', "for Kafka's protocol; 0 takes a free one", port, 9_092)
    .option('--data <folder>', 'what keeps everything', '.edgelog')
    .option(
      '--config <name=value…>',
      "a broker config of Kafka's, as often as you like",
      (text, all: string[] = []) => [...all, text],
    )
    .action(async ({ http, kafka, data, config = [] }) => {
      const begunMs = Date.now()
      // Leaving so ends workerd, too; what it has answered is on disk.
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(0))
      const { startBroker } = await import('../testing/index.ts')
      const broker = await startBroker({
        http,
        kafka,
        data,
        config: configs(config),
        vars: { EDGELOG_LOCAL: '1' },
      }).catch((error: unknown) => {
        throw explained(error)
      })
      print(
        `Edgelog is up after ${((Date.now() - begunMs) / 1_000).toFixed(1)} s, and keeps everything in ${broker.data}`,
      )
      print(`  HTTP    ${broker.http}      docs at ${broker.http}/docs`)
      print(`  Admin   ${broker.http}/ui`)
      print(`  Kafka   ${broker.kafka}`)
      print('Ctrl-C stops it.')
    })
}

function configs(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map(text => {
      const at = text.indexOf('=')
      if (at < 1) throw new Failed(`--config takes name=value, not "${text}".`, 2)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}

function explained(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  if (error.name === 'PortInUse') return new Failed(`${error.message} Choose another with --http or --kafka.`)
  if (error.name === 'DataFolderInUse') return new Failed(`${error.message} Choose another with --data.`)
  if (error instanceof RangeError) return new Failed(error.message, 2)
  return error
}
