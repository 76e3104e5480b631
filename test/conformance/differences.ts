// Where Edgelog answers otherwise than Apache Kafka, on purpose, and why. Everything else must be equal; docs/differences.md
// tells users the same.

export interface Difference {
  readonly scenario: string
  /** Of `section: path`. */
  readonly lines: RegExp
  readonly why: string
}

export const differences: readonly Difference[] = [
  {
    scenario: 'a group of the consumer protocol',
    lines: /broken expression: errorMessage$/,
    why: 'Another parser finds other words.',
  },
  {
    scenario: 'creating topics',
    lines: /\[a?x+\]\.errorMessage$/,
    why: 'An illegal name of any length is not repeated whole.',
  },
  {
    scenario: 'creating topics',
    lines: /\[many-copies\]\.errorMessage$/,
    why: 'There are no log directories to cordon.',
  },
  {
    scenario: 'creating topics',
    lines: /\[v_8\]\./,
    why: 'Kafka refuses names that differ in . and _ only, but not within one request; here they are refused there too.',
  },
  {
    scenario: 'adding partitions',
    lines: /\[(assigned|miscounted)\]/,
    why: 'The platform places replicas; nobody assigns them.',
  },
  {
    scenario: 'deleting topics',
    lines: /errorMessage$/,
    why: 'The sentences name the topic.',
  },
  {
    scenario: 'showing configs',
    lines: /min\.insync\.replicas/,
    why: 'Kafka stores a cluster-wide min.insync.replicas for eligible leader replicas, which there are none of here.',
  },
  {
    scenario: 'showing configs',
    lines: /: results\[\]\.configs = \[\]$|: results\[\]\.configs$/,
    why: 'So Kafka has one config of all brokers, and here there is none.',
  },
  {
    scenario: 'showing configs',
    lines: /\[(log\.)?segment\.bytes\].*value$/,
    why: 'Retention drops whole segments and an object holds 10 GB, so segments are smaller by default.',
  },
  {
    scenario: 'showing configs',
    lines: /results\[0\]\.configs\[.*\]\.readOnly$/,
    why: 'The configs of brokers come from the environment and do not change while a broker runs.',
  },
  {
    scenario: 'showing configs',
    lines: /^16 x: .*results\[x\]\.configs/,
    why: 'There are no client metrics to configure.',
  },
  {
    scenario: 'replacing all configs',
    lines: /^loggers: .*errorMessage$/,
    why: 'It is said that there are none.',
  },
  {
    scenario: 'producing',
    lines: /^a log append time:|^two partitions: .*\[0\]\.baseOffset$/,
    why: 'Kafka quietly takes a batch that claims the broker dated it; here it is refused, and nothing is stored.',
  },
  {
    scenario: 'producing',
    lines: /^another base offset: .*logStartOffset$/,
    why: 'The batch is refused before it reaches the partition, which alone knows where its log begins.',
  },
  {
    scenario: 'producing',
    lines: /^far in the future: .*(recordErrors|errorMessage|batchIndex)/,
    why: 'The sentence names the time; which records have it is not listed.',
  },
  {
    scenario: 'producing what a topic does not take',
    lines: /^(a key is missing|too old): .*(recordErrors|errorMessage|batchIndex)/,
    why: 'The first record that is wrong is named, not all of them.',
  },
  {
    scenario: 'producing once',
    lines: /^of what is not there: .*errorMessage$/,
    why: 'The sentences name the topic.',
  },
  {
    scenario: 'fetching',
    lines: /^(past the end|before the beginning): .*(highWatermark|lastStableOffset|logStartOffset)$/,
    why: 'A reader who is outside the log is told where it begins and ends.',
  },
  {
    scenario: 'finding and deleting records',
    lines: /^below the start: .*(highWatermark|lastStableOffset|logStartOffset)$/,
    why: 'A reader who is outside the log is told where it begins and ends.',
  },
  {
    scenario: 'transactions of an epoch each',
    lines: /^(late|by one that is fenced): .*logStartOffset$/,
    why: 'The partition itself refuses what is late, and says where its log begins.',
  },
  {
    scenario: 'transactions that take too long',
    lines: /^late: .*logStartOffset$/,
    why: 'The partition itself refuses what is late, and says where its log begins.',
  },
  {
    scenario: 'a transaction of a newer producer',
    lines: /^(late|fenced): .*logStartOffset$/,
    why: 'The partition itself knows that the epoch is over, and says where its log begins.',
  },
  {
    scenario: 'a transaction that takes too long',
    lines: /^goes on: .*logStartOffset$/,
    why: 'The partition itself knows that the epoch is over, and says where its log begins.',
  },
  {
    scenario: 'transactions by other hands',
    lines: /^the end: .*offset$/,
    why: 'Transactions are numbered: what an administrator has ended is not marked once more by its coordinator.',
  },
]
