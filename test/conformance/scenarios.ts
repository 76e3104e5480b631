// Everything that is asked of both brokers.

import type { Scenario } from './transcript.ts'
import { clusters } from './scenarios/cluster.ts'
import { configs } from './scenarios/configs.ts'
import { groups } from './scenarios/groups.ts'
import { records } from './scenarios/records.ts'
import { topics } from './scenarios/topics.ts'
import { transactions } from './scenarios/transactions.ts'
import { transactionsInDetail } from './scenarios/transactions-in-detail.ts'

export const scenarios: readonly Scenario[] = [
  ...topics,
  ...configs,
  ...records,
  ...clusters,
  ...groups,
  ...transactions,
  ...transactionsInDetail,
]
