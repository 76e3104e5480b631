import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { KAFKA_DOCS, kafkaDocs } from '../../../scripts/docs-kafka.ts'

it('docs/kafka.md says what is served (npm run docs:kafka writes it)', () => {
  expect(readFileSync(KAFKA_DOCS, 'utf8')).toBe(kafkaDocs())
})
