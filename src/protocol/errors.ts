// Every error Kafka 4.3 knows, in one table: its code on the wire, whether a client may simply try again, the HTTP status
// a door answers with, and a sentence for people. Doors translate these names; rooms below them only ever pass the names.

interface KafkaError {
  readonly code: number
  readonly retriable: boolean
  /** HTTP status for the doors that speak HTTP. */
  readonly status: number
  readonly sentence: string
}

/** Trying the same request again can't help. */
const lasting = (code: number, status: number, sentence: string): KafkaError => ({
  code,
  retriable: false,
  status,
  sentence,
})
/** Kafka's clients try again on their own, perhaps after a look at fresh metadata (Kafka's RetriableException). */
const passing = (code: number, status: number, sentence: string): KafkaError => ({
  code,
  retriable: true,
  status,
  sentence,
})

const table = {
  UNKNOWN_SERVER_ERROR: lasting(-1, 500, 'Something unexpected went wrong in the broker.'),
  NONE: lasting(0, 200, 'No error.'),
  OFFSET_OUT_OF_RANGE: lasting(1, 416, 'The offset lies outside what the partition holds.'),
  CORRUPT_MESSAGE: passing(2, 400, 'The record batch is damaged: its checksum, size or layout is wrong.'),
  UNKNOWN_TOPIC_OR_PARTITION: passing(3, 404, 'There is no such topic or partition.'),
  INVALID_FETCH_SIZE: lasting(4, 400, 'The requested fetch size is invalid.'),
  LEADER_NOT_AVAILABLE: passing(5, 503, 'The partition has no leader at the moment.'),
  NOT_LEADER_OR_FOLLOWER: passing(6, 503, 'This broker does not serve that partition.'),
  REQUEST_TIMED_OUT: passing(7, 504, 'The request took longer than it was allowed to.'),
  BROKER_NOT_AVAILABLE: lasting(8, 503, 'The broker is not available.'),
  REPLICA_NOT_AVAILABLE: passing(9, 503, 'The replica is not available for that partition.'),
  MESSAGE_TOO_LARGE: lasting(10, 413, 'The record batch is larger than the topic allows (max.message.bytes).'),
  STALE_CONTROLLER_EPOCH: lasting(11, 409, 'The controller has moved to another broker.'),
  OFFSET_METADATA_TOO_LARGE: lasting(12, 413, 'The metadata committed with the offset is too large.'),
  NETWORK_EXCEPTION: passing(13, 502, 'The connection was lost before an answer came.'),
  COORDINATOR_LOAD_IN_PROGRESS: passing(14, 503, 'The coordinator is still loading its state.'),
  COORDINATOR_NOT_AVAILABLE: passing(15, 503, 'The coordinator is not available.'),
  NOT_COORDINATOR: passing(16, 503, 'This broker is not the coordinator for that name.'),
  INVALID_TOPIC_EXCEPTION: lasting(17, 400, 'That topic name is not legal, or the topic does not allow this.'),
  RECORD_LIST_TOO_LARGE: lasting(18, 413, 'The record batch is larger than a segment may be.'),
  NOT_ENOUGH_REPLICAS: passing(19, 503, 'Refused: fewer replicas are in sync than the topic demands.'),
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: passing(20, 503, 'Stored, but on fewer in-sync replicas than the topic demands.'),
  INVALID_REQUIRED_ACKS: lasting(21, 400, 'acks must be 0, 1 or all (-1).'),
  ILLEGAL_GENERATION: lasting(22, 409, 'The generation is not the current one of the group.'),
  INCONSISTENT_GROUP_PROTOCOL: lasting(23, 409, 'The member supports no protocol that the rest of the group does.'),
  INVALID_GROUP_ID: lasting(24, 400, 'The group id is not legal.'),
  UNKNOWN_MEMBER_ID: lasting(25, 404, 'The group has no such member.'),
  INVALID_SESSION_TIMEOUT: lasting(26, 400, 'The session timeout is outside what the broker allows.'),
  REBALANCE_IN_PROGRESS: lasting(27, 409, 'The group is rebalancing; join it again.'),
  INVALID_COMMIT_OFFSET_SIZE: lasting(28, 413, 'The offset commit is too large.'),
  TOPIC_AUTHORIZATION_FAILED: lasting(29, 403, 'Not allowed on that topic.'),
  GROUP_AUTHORIZATION_FAILED: lasting(30, 403, 'Not allowed on that group.'),
  CLUSTER_AUTHORIZATION_FAILED: lasting(31, 403, 'Not allowed on the cluster.'),
  INVALID_TIMESTAMP: lasting(32, 400, 'The record timestamp is outside what the topic accepts.'),
  UNSUPPORTED_SASL_MECHANISM: lasting(33, 401, 'The SASL mechanism is not offered here.'),
  ILLEGAL_SASL_STATE: lasting(34, 401, 'That request does not fit the state of the SASL exchange.'),
  UNSUPPORTED_VERSION: lasting(35, 400, 'That version of the API is not supported.'),
  TOPIC_ALREADY_EXISTS: lasting(36, 409, 'A topic of that name exists already.'),
  INVALID_PARTITIONS: lasting(37, 400, 'The number of partitions is not acceptable.'),
  INVALID_REPLICATION_FACTOR: lasting(38, 400, 'The replication factor is below 1 or above the number of brokers.'),
  INVALID_REPLICA_ASSIGNMENT: lasting(39, 400, 'The replica assignment is not valid.'),
  INVALID_CONFIG: lasting(40, 400, 'A configuration value is not valid.'),
  NOT_CONTROLLER: passing(41, 503, 'This broker is not the controller.'),
  INVALID_REQUEST: lasting(42, 400, 'The request contradicts itself or lacks something.'),
  UNSUPPORTED_FOR_MESSAGE_FORMAT: lasting(43, 400, 'The record format is not supported; batches must be of magic 2.'),
  POLICY_VIOLATION: lasting(44, 403, 'The request breaks a policy set for this cluster.'),
  OUT_OF_ORDER_SEQUENCE_NUMBER: lasting(45, 409, 'A batch before this one is missing: the sequence number has a gap.'),
  DUPLICATE_SEQUENCE_NUMBER: lasting(46, 409, 'The batch was stored before: its sequence number is known.'),
  INVALID_PRODUCER_EPOCH: lasting(47, 409, 'The producer epoch is older than the current one.'),
  INVALID_TXN_STATE: lasting(48, 409, 'The transaction is not in a state that allows this.'),
  INVALID_PRODUCER_ID_MAPPING: lasting(49, 409, 'The producer id does not belong to that transactional id.'),
  INVALID_TRANSACTION_TIMEOUT: lasting(50, 400, 'The transaction timeout exceeds transaction.max.timeout.ms.'),
  CONCURRENT_TRANSACTIONS: passing(51, 409, 'Another operation on the same transaction is still under way.'),
  TRANSACTION_COORDINATOR_FENCED: lasting(52, 409, 'A newer transaction coordinator has taken over that producer.'),
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: lasting(53, 403, 'Not allowed on that transactional id.'),
  SECURITY_DISABLED: lasting(54, 400, 'Security features are switched off.'),
  OPERATION_NOT_ATTEMPTED: lasting(55, 409, 'Not attempted, because another part of the same request failed.'),
  KAFKA_STORAGE_ERROR: passing(56, 507, 'The partition cannot store or read its data.'),
  LOG_DIR_NOT_FOUND: lasting(57, 404, 'There is no such log directory.'),
  SASL_AUTHENTICATION_FAILED: lasting(58, 401, 'Authentication failed.'),
  UNKNOWN_PRODUCER_ID: lasting(59, 409, 'Nothing is known of that producer id here; its state may have expired.'),
  REASSIGNMENT_IN_PROGRESS: lasting(60, 409, 'The partition is being reassigned.'),
  DELEGATION_TOKEN_AUTH_DISABLED: lasting(61, 400, 'Delegation tokens are switched off.'),
  DELEGATION_TOKEN_NOT_FOUND: lasting(62, 404, 'There is no such delegation token.'),
  DELEGATION_TOKEN_OWNER_MISMATCH: lasting(63, 403, 'The principal neither owns nor may renew that delegation token.'),
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: lasting(64, 403, 'Delegation tokens cannot be requested over this connection.'),
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: lasting(65, 403, 'Not allowed on that delegation token.'),
  DELEGATION_TOKEN_EXPIRED: lasting(66, 401, 'The delegation token has expired.'),
  INVALID_PRINCIPAL_TYPE: lasting(67, 400, 'That type of principal is not supported.'),
  NON_EMPTY_GROUP: lasting(68, 409, 'The group still has members.'),
  GROUP_ID_NOT_FOUND: lasting(69, 404, 'There is no such group.'),
  FETCH_SESSION_ID_NOT_FOUND: passing(70, 404, 'There is no such fetch session.'),
  INVALID_FETCH_SESSION_EPOCH: passing(71, 409, 'The fetch session is at another epoch.'),
  LISTENER_NOT_FOUND: passing(72, 503, 'The leader has no listener of the kind this request came through.'),
  TOPIC_DELETION_DISABLED: lasting(73, 403, 'Deleting topics is switched off.'),
  FENCED_LEADER_EPOCH: passing(74, 409, 'The leader epoch of the request is older than the current one.'),
  UNKNOWN_LEADER_EPOCH: passing(75, 409, 'The leader epoch of the request is newer than the current one.'),
  UNSUPPORTED_COMPRESSION_TYPE: lasting(76, 415, 'The compression codec is not supported in that version.'),
  STALE_BROKER_EPOCH: lasting(77, 409, 'The broker has registered anew since.'),
  OFFSET_NOT_AVAILABLE: passing(78, 503, 'The high watermark is not settled yet, so the offset cannot be told.'),
  MEMBER_ID_REQUIRED: lasting(79, 400, 'Join again with the member id given in this answer.'),
  PREFERRED_LEADER_NOT_AVAILABLE: passing(80, 503, 'The preferred leader is not available.'),
  GROUP_MAX_SIZE_REACHED: lasting(81, 409, 'The group has as many members as it may have.'),
  FENCED_INSTANCE_ID: lasting(82, 409, 'Another member has taken over that group.instance.id.'),
  ELIGIBLE_LEADERS_NOT_AVAILABLE: passing(83, 503, 'No replica that may lead the partition is available.'),
  ELECTION_NOT_NEEDED: passing(84, 409, 'The partition has the leader it should have.'),
  NO_REASSIGNMENT_IN_PROGRESS: lasting(85, 409, 'The partition is not being reassigned.'),
  GROUP_SUBSCRIBED_TO_TOPIC: lasting(86, 409, 'The group is subscribed to that topic, so its offsets must stay.'),
  INVALID_RECORD: lasting(87, 400, 'A record breaks a rule of the topic or of the record format.'),
  UNSTABLE_OFFSET_COMMIT: passing(88, 409, 'A transaction that committed these offsets has not ended yet.'),
  THROTTLING_QUOTA_EXCEEDED: passing(89, 429, 'The quota is used up for the moment.'),
  PRODUCER_FENCED: lasting(90, 409, 'A newer producer with the same transactional id has taken over.'),
  RESOURCE_NOT_FOUND: lasting(91, 404, 'The request names something that does not exist.'),
  DUPLICATE_RESOURCE: lasting(92, 400, 'The request names the same thing twice.'),
  UNACCEPTABLE_CREDENTIAL: lasting(93, 400, 'The credential does not meet the requirements.'),
  INCONSISTENT_VOTER_SET: lasting(94, 409, 'Sender or receiver is not among the expected voters.'),
  INVALID_UPDATE_VERSION: lasting(95, 400, 'That version cannot be changed to.'),
  FEATURE_UPDATE_FAILED: lasting(96, 500, 'The features could not be changed.'),
  PRINCIPAL_DESERIALIZATION_FAILURE: lasting(97, 500, 'A forwarded request carried a principal that cannot be read.'),
  SNAPSHOT_NOT_FOUND: lasting(98, 404, 'There is no such snapshot.'),
  POSITION_OUT_OF_RANGE: lasting(99, 416, 'The position lies outside the snapshot.'),
  UNKNOWN_TOPIC_ID: passing(100, 404, 'There is no topic with that id.'),
  DUPLICATE_BROKER_REGISTRATION: lasting(101, 409, 'That broker id is taken.'),
  BROKER_ID_NOT_REGISTERED: lasting(102, 404, 'No broker of that id is registered.'),
  INCONSISTENT_TOPIC_ID: passing(103, 409, 'The partition belongs to a topic with another id.'),
  INCONSISTENT_CLUSTER_ID: lasting(104, 409, 'The request is meant for another cluster.'),
  TRANSACTIONAL_ID_NOT_FOUND: lasting(105, 404, 'There is no such transactional id.'),
  FETCH_SESSION_TOPIC_ID_ERROR: passing(106, 409, 'The fetch session mixes topic names and topic ids.'),
  INELIGIBLE_REPLICA: lasting(107, 409, 'The new in-sync set names a replica that may not be in it.'),
  NEW_LEADER_ELECTED: lasting(108, 409, 'The partition was changed and has a new leader.'),
  OFFSET_MOVED_TO_TIERED_STORAGE: lasting(109, 416, 'The offset is in tiered storage now.'),
  FENCED_MEMBER_EPOCH: lasting(110, 409, 'The member epoch is fenced; give up all partitions and join again.'),
  UNRELEASED_INSTANCE_ID: lasting(111, 409, 'Another member still holds that instance id and must leave first.'),
  UNSUPPORTED_ASSIGNOR: lasting(112, 400, 'The group does not support that assignor.'),
  STALE_MEMBER_EPOCH: lasting(113, 409, 'The member epoch is out of date; take the new one from a heartbeat.'),
  MISMATCHED_ENDPOINT_TYPE: lasting(114, 400, 'The request came to an endpoint of the wrong type.'),
  UNSUPPORTED_ENDPOINT_TYPE: lasting(115, 400, 'That type of endpoint is not supported.'),
  UNKNOWN_CONTROLLER_ID: lasting(116, 404, 'There is no controller of that id.'),
  UNKNOWN_SUBSCRIPTION_ID: lasting(117, 404, 'The telemetry subscription is unknown or out of date.'),
  TELEMETRY_TOO_LARGE: lasting(118, 413, 'The pushed telemetry is too large.'),
  INVALID_REGISTRATION: lasting(119, 400, 'The broker registration is not valid.'),
  TRANSACTION_ABORTABLE: lasting(
    120,
    409,
    'The transaction failed; abort it and go on with the same transactional id.',
  ),
  INVALID_RECORD_STATE: lasting(121, 409, 'The record is not in a state that can be acknowledged so.'),
  SHARE_SESSION_NOT_FOUND: passing(122, 404, 'There is no such share session.'),
  INVALID_SHARE_SESSION_EPOCH: passing(123, 409, 'The share session is at another epoch.'),
  FENCED_STATE_EPOCH: lasting(124, 409, 'The share group is at another state epoch.'),
  INVALID_VOTER_KEY: lasting(125, 400, 'The voter key does not belong to the replica asked.'),
  DUPLICATE_VOTER: lasting(126, 409, 'That voter is in the set already.'),
  VOTER_NOT_FOUND: lasting(127, 404, 'That voter is not in the set.'),
  INVALID_REGULAR_EXPRESSION: lasting(128, 400, 'The regular expression is not valid.'),
  REBOOTSTRAP_REQUIRED: lasting(129, 409, 'The metadata is too old; start again from the bootstrap servers.'),
  STREAMS_INVALID_TOPOLOGY: lasting(130, 400, 'The topology is not valid.'),
  STREAMS_INVALID_TOPOLOGY_EPOCH: lasting(131, 400, 'The topology epoch is not valid.'),
  STREAMS_TOPOLOGY_FENCED: lasting(132, 409, 'The topology epoch is out of date.'),
  SHARE_SESSION_LIMIT_REACHED: passing(133, 503, 'There are as many share sessions as there may be.'),
} satisfies Record<string, KafkaError>

export type ErrorName = keyof typeof table

export const errors: Readonly<Record<ErrorName, KafkaError>> = table

const names = new Map(Object.entries(errors).map(([name, { code }]) => [code, name as ErrorName]))

export const codeOf = (name: ErrorName): number => errors[name].code

/** The name of a wire code; a code from a newer Kafka reads as UNKNOWN_SERVER_ERROR, as in Kafka's own clients. */
export const errorOf = (code: number): ErrorName => names.get(code) ?? 'UNKNOWN_SERVER_ERROR'

/** What an expected failure looks like everywhere inside: returned, not thrown, and plain enough to cross an RPC. */
export interface Failure {
  readonly error: ErrorName
  readonly message: string
}

export const failure = (error: ErrorName, message: string = errors[error].sentence): Failure => ({ error, message })

export const isFailure = (value: unknown): value is Failure =>
  typeof value === 'object' && value !== null && 'error' in value && Object.hasOwn(errors, value.error as string)

/** What bytes that make no sense throw. Nobody recovers from it: the connection they came through catches it and closes. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}
