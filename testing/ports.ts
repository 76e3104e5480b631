// Ports for a broker, known before it listens, because what it advertises to Kafka's clients has to be known by then.

import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'

export const HOST = '127.0.0.1'

/** Somebody else has the port. */
export class PortInUse extends Error {
  override name = 'PortInUse'
}

/** The ports asked for, each free a moment ago; 0 becomes one that is. */
export async function freePorts(ports: readonly number[]): Promise<number[]> {
  const servers: Server[] = []
  try {
    for (const port of ports) servers.push(await listen(port))
    return servers.map(server => (server.address() as AddressInfo).port)
  } finally {
    await Promise.all(servers.map(server => once(server.close(), 'close')))
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer().listen(port, HOST)
  try {
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw new PortInUse(`Port ${port} is in use.`)
    throw error
  }
  return server
}
