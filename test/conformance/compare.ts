// Two transcripts of the same scenario, field by field.

import { type Difference, differences } from './differences.ts'

export interface Unequal {
  readonly line: string
  readonly kafka: string | undefined
  readonly edgelog: string | undefined
}

/** What is unequal and meant to be equal. */
export function compare(scenario: string, kafka: readonly string[], edgelog: readonly string[]): Unequal[] {
  const allowed = differences.filter(difference => difference.scenario === scenario)
  const [one, other] = [fieldsOf(kafka), fieldsOf(edgelog)]
  return [...new Set([...one.keys(), ...other.keys()])]
    .map(line => ({ line, kafka: one.get(line), edgelog: other.get(line) }))
    .filter(unequal => unequal.kafka !== unequal.edgelog && !saysMore(unequal) && !isAllowed(unequal, allowed))
}

/** A sentence where Kafka has none. */
const saysMore = ({ line, kafka }: Unequal): boolean =>
  line.endsWith('rrorMessage') && (kafka === 'null' || kafka === '""')

const isAllowed = ({ line }: Unequal, allowed: readonly Difference[]): boolean =>
  allowed.some(({ lines }) => lines.test(line))

/** `section: path` to what is said there. Sections of the same name are told apart by their number. */
function fieldsOf(lines: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>()
  const times = new Map<string, number>()
  let section = ''
  for (const line of lines) {
    if (line.startsWith('## ')) {
      const name = line.slice(3)
      const time = (times.get(name) ?? 0) + 1
      times.set(name, time)
      section = time === 1 ? name : `${name} (${time})`
    } else {
      const at = line.indexOf(' = ')
      fields.set(at < 0 ? `${section}: ${line}` : `${section}: ${line.slice(0, at)}`, line.slice(at + 3))
    }
  }
  return fields
}
