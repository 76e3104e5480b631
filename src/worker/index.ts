// Stand-in until the routes land: it gives wrangler and the tests the object classes.

import { DurableObject } from 'cloudflare:workers'

export { PartitionObject } from '../objects/partition.ts'
export class ClusterObject extends DurableObject {}

export default {
  fetch: () => new Response('edgelog\n'),
  connect: (socket: Socket) => socket.close(),
}
