// What options and arguments mean.

import { InvalidArgumentError } from 'commander'

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

export function count(text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError('It must be a whole number.')
  return number
}

export function integer(text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number)) throw new InvalidArgumentError('It must be a whole number, like 10 or -10.')
  return number
}

export function port(text: string): number {
  const number = count(text)
  if (number > 65_535) throw new InvalidArgumentError('It must be a port, or 0 for a free one.')
  return number
}

/** `90s`, `15m`, `1h`, `7d`: ms. */
export function duration(text: string): number {
  const [, number, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? []
  if (number === undefined) throw new InvalidArgumentError('It must be a time like 90s, 15m, 1h or 7d.')
  return Number(number) * UNITS[unit!]!
}

/** ms since 1970, or a date. */
export function timestamp(text: string): number {
  const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text)
  if (Number.isNaN(ms)) throw new InvalidArgumentError('It must be ms since 1970 or a date like 2026-11-21T10:00:00Z.')
  return ms
}

/** `retention.ms=3600000`, again and again; nothing behind the sign: the default. */
export function config(
  text: string,
  before: Readonly<Record<string, string | null>> = {},
): Record<string, string | null> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It must be name=value.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) || null }
}
