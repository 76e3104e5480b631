// `edgelog tunnel`: Kafka's port on this machine for a broker that is only reached over HTTPS. Every TCP connection is a
// WebSocket of its own; when one goes, so does the other, and Kafka's clients connect again by themselves.

import { createServer, type Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { socketFactory } from '../client/kafkajs.ts'
import { Failed } from './failed.ts'
import { port } from './parse.ts'
import { print, remark } from './print.ts'
import { checked, type Globals, profileOf } from './remote.ts'

export function addTunnel(program: Command): void {
  program
    .command('tunnel')
    .description("open Kafka's port here, for a broker that is elsewhere")
    .argument('[url]', 'wss://…: the broker, instead of the one of the profile')
    .option('-l, --listen <port>', 'on 127.0.0.1; 0 takes a free one', port, 9_092)
    .action(async (url: string | undefined, { listen }: { listen: number }, command: Command) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(0))
      const globals = command.optsWithGlobals<Globals>()
      const remote = profileOf(url === undefined ? globals : { ...globals, url })
      const base = checked(remote.url).replace(/\/kafka$/, '')
      const open = socketFactory(`${base}/kafka`, remote.token === undefined ? {} : { token: remote.token })
      const server = createServer({ noDelay: true }, socket => void carry(socket, open))
      await new Promise<void>((resolve, reject) => {
        server.once('error', (error: NodeJS.ErrnoException) => {
          const taken = error.code === 'EADDRINUSE'
          reject(taken ? new Failed(`Port ${listen} is taken. Choose another with --listen.`) : error)
        })
        server.listen(listen, '127.0.0.1', resolve)
      })
      const { port: listening } = server.address() as { port: number }
      print(`localhost:${listening} is ${base} now. Ctrl-C ends.`)
    })
}

async function carry(socket: Socket, open: ReturnType<typeof socketFactory>): Promise<void> {
  const remote = open({ onConnect: () => {} })
  try {
    await Promise.all([pipeline(socket, remote), pipeline(remote, socket)])
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    if (code !== 'ECONNRESET' && code !== 'ERR_STREAM_PREMATURE_CLOSE') remark(`A connection ended: ${message}`)
    socket.destroy()
    remote.destroy()
  }
}
