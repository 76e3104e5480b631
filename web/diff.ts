// What changed between two texts, line by line: what stands in both in the same order, and what came or went.

/** Beyond so many lines each, texts are shown as gone and come. */
const MAX_LINES = 1_000

export interface DiffLine {
  readonly mark: ' ' | '+' | '-'
  readonly text: string
}

export function diff(before: string, after: string): DiffLine[] {
  const a = before.split('\n')
  const b = after.split('\n')
  if (a.length > MAX_LINES || b.length > MAX_LINES)
    return [...a.map(text => ({ mark: '-', text }) as const), ...b.map(text => ({ mark: '+', text }) as const)]
  // common[i][j]: how many lines a from i and b from j have in common.
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1))
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i]![j] = a[i] === b[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!)
  const lines: DiffLine[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ mark: ' ', text: a[i]! })
      i++
      j++
    } else if (i < a.length && (j === b.length || common[i + 1]![j]! >= common[i]![j + 1]!))
      lines.push({ mark: '-', text: a[i++]! })
    else lines.push({ mark: '+', text: b[j++]! })
  }
  return lines
}
