// Which object a partition lives in, and where on earth: named by topic id, so a recreated topic is another object; the
// first call pins its region, so the topic's place goes with every call.

import type { PartitionObject } from './partition.ts'

/** What calling an object gives, without the stub's own type magic. */
export type Rpc<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never
}

/** Calls of one partition's object; `fetch` is the follower's door. */
export type PartitionStub = Rpc<Omit<PartitionObject, 'fetch' | 'alarm'>> & {
  fetch(url: string, init?: RequestInit): Promise<Response>
}

export const partitionName = (topicId: string, partition: number): string => `${topicId}-${partition}`

/** `config` holds the topic's overrides: `edgelog.location` is a location hint, `edgelog.jurisdiction` a jurisdiction. */
export function partitionStub(
  namespace: DurableObjectNamespace<PartitionObject>,
  topicId: string,
  partition: number,
  config: Readonly<Record<string, string>>,
): PartitionStub {
  const jurisdiction = config['edgelog.jurisdiction']
  const location = config['edgelog.location']
  const within = jurisdiction ? confined(namespace, jurisdiction as DurableObjectJurisdiction) : namespace
  const hint = location ? { locationHint: location as DurableObjectLocationHint } : undefined
  return within.getByName(partitionName(topicId, partition), hint) as unknown as PartitionStub
}

/** On your own machine workerd knows no jurisdictions, and says so; there is only one place then. */
function confined(
  namespace: DurableObjectNamespace<PartitionObject>,
  jurisdiction: DurableObjectJurisdiction,
): DurableObjectNamespace<PartitionObject> {
  try {
    return namespace.jurisdiction(jurisdiction)
  } catch (error) {
    if (String(error).includes('not implemented in workerd')) return namespace
    throw error
  }
}
