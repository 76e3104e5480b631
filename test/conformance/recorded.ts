// What Apache Kafka 4.3.1 answered, kept so that `npm test` needs no Java. `npm run test:conformance -- --record` writes it.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE = join(import.meta.dirname, 'kafka-4.3.1.txt')

/** The lines of each scenario. */
export function readRecorded(): Map<string, readonly string[]> {
  const recorded = new Map<string, readonly string[]>()
  for (const part of readFileSync(FILE, 'utf8').split(/^# /m).slice(1)) {
    const [name, ...lines] = part.trimEnd().split('\n')
    recorded.set(name!, lines)
  }
  return recorded
}

export function writeRecorded(played: ReadonlyMap<string, readonly string[]>): void {
  writeFileSync(FILE, [...played].map(([name, lines]) => `# ${name}\n${lines.join('\n')}\n`).join(''))
}
