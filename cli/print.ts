// How answers are shown: as tables for people, as JSON for scripts.

/** As https://no-color.org and Node have it. */
const isColoured = !process.env['NO_COLOR'] && (process.stdout.isTTY || Boolean(process.env['FORCE_COLOR']))

const style =
  (on: number, off: number) =>
  (text: string): string =>
    isColoured ? `\u001B[${on}m${text}\u001B[${off}m` : text

export const bold = style(1, 22)
export const dim = style(2, 22)
export const key = style(36, 39)
const green = style(32, 39)
const yellow = style(33, 39)

/** JSON on one line, its members' names, its texts and its other values told apart. */
export const coloured = (json: string): string =>
  isColoured
    ? json.replaceAll(/("(?:[^"\\]|\\.)*")(:?)|[\w.+-]+/g, (word, text?: string, colon?: string) =>
        text === undefined ? yellow(word) : colon === ':' ? `${key(text)}:` : green(text),
      )
    : json

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2))

/** A word beside the output, for people alone. */
export function remark(text: string): void {
  process.stderr.write(`${text}\n`)
}

type Cell = string | number | boolean | null | undefined

/** Columns as wide as what is in them; numbers stand to the right. */
export function printTable(head: readonly string[], rows: readonly (readonly Cell[])[], empty: string): void {
  if (rows.length === 0) return print(dim(empty))
  const texts = rows.map(row => row.map(cell => shown(cell)))
  const right = head.map((_, column) => rows.every(row => typeof row[column] === 'number' || row[column] == null))
  const widths = head.map((title, column) => Math.max(title.length, ...texts.map(row => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (right[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd()
  print(bold(line(head)))
  for (const row of texts) print(line(row))
}

function shown(cell: Cell): string {
  if (cell === null || cell === undefined) return '-'
  return typeof cell === 'number' ? cell.toLocaleString('en-US') : String(cell)
}

/** `1 record`, `2,000 records` */
export const counted = (count: number, noun: string, nouns = `${noun}s`): string =>
  `${count.toLocaleString('en-US')} ${count === 1 ? noun : nouns}`

/** `████░░░░  45 %  1,000 records`, no wider than the terminal; the words alone where nobody knows how much there is. */
export function bar(words: string, share: number | undefined, columns: number): string {
  if (share === undefined) return words
  const known = Math.min(1, share)
  const told = `${String(Math.round(known * 100)).padStart(3)} %  ${words}`
  const width = Math.min(40, columns - told.length - 3)
  if (width < 4) return told
  const full = Math.round(known * width)
  return `${'█'.repeat(full)}${'░'.repeat(width - full)} ${told}`
}

/** 1,536 → `1.5 KiB` */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const unit = Math.min(units.length - 1, count === 0 ? 0 : Math.floor(Math.log2(count) / 10))
  const value = count / 1_024 ** unit
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** How long ago: `12s`, `3m 20s`, `2d 4h` */
export function ago(ms: number, now: number): string {
  const seconds = Math.max(0, Math.floor((now - ms) / 1_000))
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const
  const from = parts.findIndex(([count]) => count > 0)
  if (from < 0) return '0s'
  return parts
    .slice(from, from + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ')
}

export const time = (ms: number): string => (ms < 0 ? '-' : new Date(ms).toISOString())
