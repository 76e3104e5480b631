// What the bench prints and keeps: one table, and what it was measured on.

import { execFileSync } from 'node:child_process'
import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { cpus, loadavg, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { percentiles } from './load.ts'

/** A line of the table. What was not measured, or makes no sense there, is left out. */
export interface Row {
  readonly what: string
  readonly recordsPerSecond?: number
  /** Of values, not of what carries them; 1 MB is a million bytes. */
  readonly megabytesPerSecond?: number
  readonly requestsPerSecond?: number
  readonly p50Ms?: number
  readonly p99Ms?: number
  readonly note?: string
}

const FSYNCS = 200

export function table(title: string, rows: readonly Row[]): string {
  const lines = rows.map(row =>
    [
      row.what,
      whole(row.recordsPerSecond),
      whole(row.megabytesPerSecond, 1),
      whole(row.requestsPerSecond),
      whole(row.p50Ms, 2),
      whole(row.p99Ms, 2),
      row.note ?? '',
    ].join(' | '),
  )
  return [
    `## ${title}`,
    '',
    '| | records/s | MB/s | requests/s | p50 ms | p99 ms | |',
    '|---|--:|--:|--:|--:|--:|---|',
    ...lines.map(line => `| ${line} |`),
    '',
  ].join('\n')
}

/** `digits` behind the point, fewer for larger numbers. */
function whole(number: number | undefined, digits = 0): string {
  if (number === undefined || Number.isNaN(number)) return ''
  return number.toLocaleString('en-US', { maximumFractionDigits: number < 100 ? digits : 0 })
}

/** With what is not committed it says so. */
export function commit(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim()
  const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'src', 'testing', 'wrangler.toml')
  return `${git('rev-parse', '--short', 'HEAD')}${changed === '' ? '' : '-changed'}`
}

export function heading(date: string, folder: string, ofCommit = commit()): string {
  const [first] = cpus()
  const { version } = JSON.parse(readFileSync('node_modules/workerd/package.json', 'utf8')) as { version: string }
  const { p50Ms, p99Ms } = fsyncs(folder)
  return [
    `# Bench of ${date}, commit ${ofCommit}`,
    '',
    `${cpus().length} × ${first?.model.trim() ?? 'processor unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB, ${type()} ${release()}`,
    `· workerd ${version} · Node ${process.versions.node} · one fsync of 4 kB takes ${whole(p50Ms, 2)} ms (p99 ${whole(p99Ms, 2)})`,
    '',
    `Other work on the machine as it began: a load of ${whole(loadavg()[0], 1)}.`,
    'The load comes from the same machine. Every answer of a produce waited for the disk. MB count values alone.',
    '',
  ].join('\n')
}

function fsyncs(folder: string): { p50Ms: number; p99Ms: number } {
  const path = join(folder, 'fsync-probe')
  const file = openSync(path, 'w')
  const page = Buffer.alloc(4096, 1)
  const latencies = Array.from({ length: FSYNCS }, () => {
    const start = performance.now()
    writeSync(file, page)
    fsyncSync(file)
    return performance.now() - start
  })
  closeSync(file)
  rmSync(path)
  return percentiles(latencies)
}
