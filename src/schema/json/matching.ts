// How many of one side can be paired off with different ones of the other.

/** `edges[i]` are the others that the i-th fits. Kuhn's algorithm. */
export function matching(edges: readonly (readonly number[])[]): number {
  const partners = new Map<number, number>()

  const pair = (start: number): boolean => {
    const tried = new Set<number>()
    // Without recursion: a path of partners who make room for each other may be as long as the union.
    const path: { readonly from: number; next: number }[] = [{ from: start, next: 0 }]
    while (path.length > 0) {
      const step = path.at(-1)!
      const to = edges[step.from]![step.next++]
      if (to === undefined) {
        path.pop()
        continue
      }
      if (tried.has(to)) continue
      tried.add(to)
      const partner = partners.get(to)
      if (partner !== undefined) {
        path.push({ from: partner, next: 0 })
        continue
      }
      for (const { from, next } of path) partners.set(edges[from]![next - 1]!, from)
      return true
    }
    return false
  }

  return edges.reduce((pairs, _, index) => pairs + Number(pair(index)), 0)
}
