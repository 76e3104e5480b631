// Which partition of __consumer_offsets, and so which coordinator, a group belongs to.

/** As Kafka: Java's String.hashCode of the group id, made positive, modulo the partitions. */
export function partitionFor(groupId: string, partitions: number): number {
  let hash = 0
  for (let i = 0; i < groupId.length; i++) hash = (Math.imul(hash, 31) + groupId.charCodeAt(i)) | 0
  return (hash === -0x8000_0000 ? 0 : Math.abs(hash)) % partitions
}
