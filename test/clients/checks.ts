// What the witnesses testify: one line a check, counted.

export class Checks {
  passed = 0
  failed = 0

  /** A check passes unless it throws. */
  async check(what: string, proof: () => Promise<void>): Promise<void> {
    const startMs = performance.now()
    try {
      await proof()
      this.passed++
      console.log(`ok      ${what} (${Math.round(performance.now() - startMs)} ms)`)
    } catch (error) {
      this.failed++
      console.log(`FAILED  ${what}\n        ${String(error).slice(0, 2_000).replaceAll('\n', '\n        ')}`)
    }
  }
}

export function expectEqual(found: unknown, expected: unknown, of: string): void {
  const [one, other] = [JSON.stringify(found), JSON.stringify(expected)]
  if (one === other) return
  let at = 0
  while (at < one.length && one[at] === other[at]) at++
  const near = (text: string): string => text.slice(Math.max(0, at - 40), at + 80)
  throw new Error(`${of} differ at ${at}: …${near(one)}… instead of …${near(other)}…`)
}

export function expectSaid(said: string, pattern: RegExp): void {
  if (!pattern.test(said)) throw new Error(`${pattern} is not in:\n${said}`)
}
