// `npm run docs:kafka`: writes docs/kafka.md from the APIs themselves and what stands above each in its file.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bounds } from '../src/protocol/schema.ts'
import { apis } from '../src/worker/kafka/apis.ts'

const root = join(import.meta.dirname, '..')
const folder = 'src/worker/kafka/apis'
export const KAFKA_DOCS = join(root, 'docs/kafka.md')

/** The page as it should be. */
export function kafkaDocs(): string {
  const files = readdirSync(join(root, folder))
  const rows = apis
    .filter(({ handle }) => handle !== undefined)
    .map(({ key, name, versions, flexible }) => {
      const file = files.find(one => Number.parseInt(one, 10) === key)!
      const [first, last] = bounds(versions)
      const flexibleFrom = Math.max(bounds(flexible)[0], first)
      const numbers = first === last ? String(first) : `${first}–${last}`
      return `| [${name}](../${folder}/${file}) | ${key} | ${numbers} | ${flexibleFrom > last ? '–' : `${flexibleFrom}+`} | ${notes(file)} |`
    })
  return [
    '# The Kafka APIs that Edgelog serves',
    '',
    '<!-- Written by `npm run docs:kafka` from src/worker/kafka/apis; not to be edited by hand. -->',
    '',
    'ApiVersions announces exactly these. Where an answer differs from that of Apache Kafka,',
    '[differences.md](differences.md) says how and why.',
    '',
    '| API | Key | Versions | Flexible | Notes |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

/** The comment above the API, on one line. */
function notes(file: string): string {
  const [, comment = ''] = /\/\*\*([\s\S]*?)\*\//.exec(readFileSync(join(root, folder, file), 'utf8')) ?? []
  return comment
    .replaceAll(/^\s*\* ?/gm, ' ')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('|', '\\|')
    .trim()
}

if (import.meta.main) writeFileSync(KAFKA_DOCS, kafkaDocs())
