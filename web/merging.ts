// Records of several partitions as one list, and searching in them.

import type { LogRecord } from '../client/answers.ts'

/** By time, as far as the order within each partition allows. */
export function merge(lists: readonly (readonly LogRecord[])[]): LogRecord[] {
  const at = lists.map(() => 0)
  const merged: LogRecord[] = []
  for (;;) {
    let least = -1
    for (let i = 0; i < lists.length; i++) {
      const head = lists[i]![at[i]!]
      if (head && (least < 0 || head.timestamp < lists[least]![at[least]!]!.timestamp)) least = i
    }
    if (least < 0) return merged
    merged.push(lists[least]![at[least]!++]!)
  }
}

/** Text in the key, the value or a header. */
export function matcher(text: string, where: string): ((record: LogRecord) => boolean) | undefined {
  if (text === '') return undefined
  const wanted = text.toLowerCase()
  const has = (content: unknown): boolean => textOf(content).toLowerCase().includes(wanted)
  return ({ key, value, headers }) =>
    (where !== 'value' && where !== 'headers' && has(key)) ||
    (where !== 'key' && where !== 'headers' && has(value)) ||
    (where !== 'key' && where !== 'value' && has(headers))
}

/** One line of it. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  return JSON.stringify(content, (_, each) => (typeof each === 'bigint' ? String(each) : each)) ?? ''
}
