// What can be asked of a group, and what each of it is answered.

import type { Outcome } from '../machine.ts'
import type { Failure } from '../protocol/errors.ts'
import type { JoinReply, SyncReply } from './classic.ts'
import type { Join } from './classic-join.ts'
import type { Heartbeat, Leave, LeaveReply, Sync } from './classic-members.ts'
import type { ConsumerHeartbeat, ConsumerHeartbeatReply } from './consumer-heartbeat.ts'
import type { DescribedClassic, DescribedConsumer } from './describe.ts'
import type { GroupFact } from './facts.ts'
import type {
  Commit,
  DeleteOffsets,
  FetchedOffsets,
  FetchOffsets,
  PartitionErrors,
  TransactionalCommit,
} from './offsets.ts'
import type { GroupSettings, Topics } from './settings.ts'
import type { EndTransaction } from './transaction-offsets.ts'

export type GroupCommand =
  | Join
  | Sync
  | Heartbeat
  | Leave
  | ConsumerHeartbeat
  | Commit
  | TransactionalCommit
  | EndTransaction
  | FetchOffsets
  | DeleteOffsets
  | { readonly type: 'describeClassic' }
  | { readonly type: 'describeConsumer' }
  | { readonly type: 'delete' }
  /** These topics are no more. */
  | {
      readonly type: 'topicsDeleted'
      readonly topics: readonly { readonly name: string; readonly topicId: string }[]
    }

/** What each command is answered; null: it is done, and there is nothing to say. */
export interface GroupReplies {
  join: JoinReply
  sync: SyncReply
  heartbeat: Failure | null
  leave: LeaveReply
  consumerHeartbeat: ConsumerHeartbeatReply
  commit: PartitionErrors | Failure
  commitInTransaction: PartitionErrors | Failure
  endTransaction: null
  fetchOffsets: FetchedOffsets | Failure
  deleteOffsets: PartitionErrors | Failure
  describeClassic: DescribedClassic | Failure
  describeConsumer: DescribedConsumer | Failure
  delete: Failure | null
  topicsDeleted: null
}

export type GroupReply = GroupReplies[keyof GroupReplies]
export type GroupOutcome = Outcome<GroupFact, GroupReply>

/** What groups look at besides themselves. Whoever runs the machine keeps `topics` up to date. */
export interface World {
  readonly settings: GroupSettings
  topics: Topics
}
