// Figures as people read them: counts, bytes, times and how long ago.

const counts = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

export const count = (value: number): string => counts.format(value)
export const short = (value: number): string => (value < 10_000 ? counts.format(value) : compact.format(value))

export function bytes(value: number): string {
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1_000
    unit++
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`
}

const two = (value: number): string => String(value).padStart(2, '0')

/** Local time, to the millisecond. */
export function time(ms: number): string {
  if (ms < 0) return 'none'
  const date = new Date(ms)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

/** `7d`, `2h 30m`: for configs in ms. */
export function duration(ms: number): string {
  const parts: string[] = []
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const) {
    const whole = Math.floor(ms / size)
    if (whole > 0) parts.push(`${whole}${unit}`)
    ms -= whole * size
  }
  return parts.slice(0, 2).join(' ') || `${ms}ms`
}

export const plural = (value: number, one: string): string => `${count(value)} ${one}${value === 1 ? '' : 's'}`

export const sum = <T>(list: readonly T[], figure: (each: T) => number | null | undefined): number =>
  list.reduce((total, each) => total + (figure(each) ?? 0), 0)
