// The regular expressions of a JSON schema. The platform's own are fast, but some take forever on the wrong text; those are
// matched by the ones of protocol/regex.ts, in bounded time, and what these do not know either is refused.

import { type Failure, isFailure } from '../../protocol/errors.ts'
import { compileRegex } from '../../protocol/regex.ts'

/** Characters that the platform's expressions are tried on: some take the square of them. */
const MAX_FAST_TEXT = 10_000
/** Characters that any are tried on. */
const MAX_TEXT = 200_000
/** Open repetitions one after the other multiply: two take the square. */
const MAX_REPETITIONS = 2

/** Whether the expression is found in a text; undefined: the text is too long to tell. */
export type Pattern = (text: string) => boolean | undefined

/** Or the reason why there is none. */
export function compilePattern(source: string): Pattern | string {
  const fast = nativePattern(source)
  if (fast === undefined) return 'not a regular expression'
  // Found anywhere, not matched whole.
  const bounded: ((text: string) => boolean) | Failure = compileRegex(`(?:.|\\n)*(?:${source})(?:.|\\n)*`)
  if (!isFailure(bounded)) {
    const isFast = !explodes(source) && repetitions(source) <= MAX_REPETITIONS
    return text => {
      if (isFast && text.length <= MAX_FAST_TEXT) return fast.test(text)
      return text.length <= MAX_TEXT ? bounded(text) : undefined
    }
  }
  if (explodes(source)) return 'not a regular expression that is matched in bounded time'
  return text => (text.length <= MAX_FAST_TEXT ? fast.test(text) : undefined)
}

/** Those that are none by the strict rules of unicode often still are by the old ones. */
function nativePattern(source: string): RegExp | undefined {
  for (const flags of ['u', '']) {
    try {
      return new RegExp(source, flags)
    } catch {
      // By the next rules, then.
    }
  }
  return undefined
}

/** Without what is escaped or in a set, where signs are letters. */
const bare = (source: string): string => source.replace(/\\[^]|\[(?:\\[^]|[^\]\\])*\]/g, 'x')

const repetitions = (source: string): number => bare(source).match(/[*+]|\{\d+,\d*\}/g)?.length ?? 0

/** A repeated group that itself repeats something or leaves a choice: there are more ways through than letters. */
function explodes(source: string): boolean {
  const text = bare(source)
  /** Of the groups around: has it a choice or repetition inside? */
  const open: boolean[] = []
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]!
    if (sign === '(') {
      open.push(false)
      // What follows says which kind of group it is, not what repeats.
      if (text[at + 1] === '?') at++
    } else if (sign === ')') {
      const wild = open.pop() ?? false
      const repeats = /^(?:[*+]|\{)/.test(text.slice(at + 1, at + 2))
      if (wild && repeats) return true
      if ((wild || repeats) && open.length > 0) open[open.length - 1] = true
    } else if ('*+{?|'.includes(sign) && open.length > 0) open[open.length - 1] = true
  }
  return false
}
