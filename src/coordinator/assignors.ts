// Who gets which partitions in a group of the consumer protocol, where the broker assigns: `uniform` spreads evenly and
// moves as little as it can, `range` gives members the same ranges of every topic. Kafka's UniformAssignor, RangeAssignor.

/** By topic id. */
export type Assignment = ReadonlyMap<string, ReadonlySet<number>>

export interface Assignee {
  readonly memberId: string
  readonly instanceId: string | null
  /** Topics that exist, in a fixed order. */
  readonly topicIds: readonly string[]
  /** What the last assignment gave it. */
  readonly assigned: Assignment
}

export type Assignor = (
  assignees: readonly Assignee[],
  partitionsOf: (topicId: string) => number,
) => ReadonlyMap<string, Assignment>

export const assignors: Readonly<Record<string, Assignor>> = {
  uniform: (assignees, partitionsOf) =>
    allSubscribeAlike(assignees)
      ? spreadEvenly(assignees, partitionsOf)
      : spreadBySubscription(assignees, partitionsOf),
  range: (assignees, partitionsOf) => ranges(assignees, partitionsOf),
}

interface Share {
  readonly assignee: Assignee
  readonly partitions: Map<string, Set<number>>
  size: number
}

interface Free {
  readonly topicId: string
  readonly partition: number
}

const allSubscribeAlike = (assignees: readonly Assignee[]): boolean => {
  const [first] = assignees
  const topics = new Set(first?.topicIds)
  return assignees.every(({ topicIds }) => topicIds.length === topics.size && topicIds.every(id => topics.has(id)))
}

/** Everyone wants the same topics: each keeps what it has up to its quota, the rest goes to those below theirs. */
function spreadEvenly(assignees: readonly Assignee[], partitionsOf: (topicId: string) => number) {
  const { shares, free } = kept(assignees, partitionsOf)
  const total = shares.reduce((sum, { size }) => sum + size, free.length)
  const quota = Math.floor(total / Math.max(shares.length, 1))
  let extras = total % Math.max(shares.length, 1)
  const quotas = new Map<Share, number>()
  // One partition more goes first to those who have that many already.
  for (const share of [...shares].sort((a, b) => b.size - a.size)) {
    quotas.set(share, extras > 0 ? quota + 1 : quota)
    if (extras > 0) extras--
  }
  for (const share of shares) while (share.size > quotas.get(share)!) free.push(takeLast(share))
  for (const share of shares) while (share.size < quotas.get(share)!) give(share, free.shift()!)
  return assignments(shares)
}

/** Wishes differ: what is free goes to the least loaded who wants it, then partitions move while that evens loads out. */
function spreadBySubscription(assignees: readonly Assignee[], partitionsOf: (topicId: string) => number) {
  const { shares, free } = kept(assignees, partitionsOf)
  const wanting = new Map<string, Share[]>()
  for (const share of shares)
    for (const topicId of share.assignee.topicIds) wanting.set(topicId, [...(wanting.get(topicId) ?? []), share])
  const lightest = (topicId: string) =>
    wanting.get(topicId)!.reduce((least, share) => (share.size < least.size ? share : least))
  // Topics that few want are placed first: their partitions have the least choice.
  free.sort((a, b) => wanting.get(a.topicId)!.length - wanting.get(b.topicId)!.length)
  for (const partition of free) give(lightest(partition.topicId), partition)
  // Every move makes the sum of squared loads smaller, so this ends.
  for (let moved = true; moved;) {
    moved = false
    for (const share of shares)
      for (const [topicId, partitions] of share.partitions)
        for (const partition of partitions) {
          const to = lightest(topicId)
          if (share.size <= to.size + 1) continue
          take(share, { topicId, partition })
          give(to, { topicId, partition })
          moved = true
        }
  }
  return assignments(shares)
}

/** Every topic is cut into ranges for those who want it, so partition n of two such topics goes to the same member. */
function ranges(assignees: readonly Assignee[], partitionsOf: (topicId: string) => number) {
  const shares = [...assignees].sort(byInstance).map(shareOf)
  const wanting = new Map<string, Share[]>()
  for (const share of shares)
    for (const topicId of share.assignee.topicIds) wanting.set(topicId, [...(wanting.get(topicId) ?? []), share])
  for (const [topicId, takers] of wanting) {
    const count = partitionsOf(topicId)
    const quota = Math.floor(count / takers.length)
    const extras = count % takers.length
    let partition = 0
    takers.forEach((share, i) => {
      const end = partition + quota + (i < extras ? 1 : 0)
      for (; partition < end; partition++) give(share, { topicId, partition })
    })
  }
  return assignments(shares)
}

/** Static members keep their place whatever member id they come back with. */
function byInstance(a: Assignee, b: Assignee): number {
  if (a.instanceId !== null && b.instanceId !== null) return a.instanceId < b.instanceId ? -1 : 1
  if (a.instanceId !== null || b.instanceId !== null) return a.instanceId === null ? 1 : -1
  return a.memberId < b.memberId ? -1 : 1
}

/** What everyone may keep of what they have, and what nobody has. */
function kept(assignees: readonly Assignee[], partitionsOf: (topicId: string) => number) {
  const shares = assignees.map(shareOf)
  const taken = new Map<string, Set<number>>()
  for (const { assignee } of shares) for (const topicId of assignee.topicIds) taken.set(topicId, new Set())
  for (const share of shares)
    for (const topicId of share.assignee.topicIds)
      for (const partition of share.assignee.assigned.get(topicId) ?? []) {
        if (partition >= partitionsOf(topicId) || taken.get(topicId)!.has(partition)) continue
        taken.get(topicId)!.add(partition)
        give(share, { topicId, partition })
      }
  const free: Free[] = []
  for (const [topicId, owned] of taken)
    for (let partition = 0; partition < partitionsOf(topicId); partition++)
      if (!owned.has(partition)) free.push({ topicId, partition })
  return { shares, free }
}

const shareOf = (assignee: Assignee): Share => ({ assignee, partitions: new Map(), size: 0 })

function give(share: Share, { topicId, partition }: Free): void {
  const partitions = share.partitions.get(topicId)
  if (partitions === undefined) share.partitions.set(topicId, new Set([partition]))
  else partitions.add(partition)
  share.size++
}

function take(share: Share, { topicId, partition }: Free): void {
  const partitions = share.partitions.get(topicId)!
  partitions.delete(partition)
  if (partitions.size === 0) share.partitions.delete(topicId)
  share.size--
}

function takeLast(share: Share): Free {
  const [topicId, partitions] = [...share.partitions].at(-1)!
  const last = { topicId, partition: [...partitions].at(-1)! }
  take(share, last)
  return last
}

const assignments = (shares: readonly Share[]): ReadonlyMap<string, Assignment> =>
  new Map(shares.map(({ assignee, partitions }) => [assignee.memberId, partitions]))
