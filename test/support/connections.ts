// What a connection may say that it has done.

import type { Activity } from '../../src/cluster/connections.ts'

export const activity: Activity = {
  clientId: 'me',
  clientSoftwareName: 'apache-kafka-java',
  clientSoftwareVersion: '4.3.1',
  group: 'readers',
  transactionalId: null,
  topics: ['orders'],
  partitions: 3,
  requests: 7,
  lastRequest: 'Fetch',
  lastMs: 2,
  bytesIn: 10,
  bytesOut: 20,
}
