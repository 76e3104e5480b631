// What is printed for people.

import { expect, it } from 'vitest'
import { bar } from '../../cli/print.ts'

it.each([
  { share: 0, columns: 40, then: '░░░░░░░░░░░░░░░░░   0 %  1,000 records' },
  { share: 0.5, columns: 80, then: '████████████████████░░░░░░░░░░░░░░░░░░░░  50 %  1,000 records' },
  { share: 1.2, columns: 30, then: '███████ 100 %  1,000 records' },
  { share: 0.5, columns: 20, then: ' 50 %  1,000 records' },
  { share: undefined, columns: 80, then: '1,000 records' },
])('a bar at $share in $columns columns', ({ share, columns, then }) => {
  const shown = bar('1,000 records', share, columns)
  expect(shown).toBe(then)
  expect(shown.length).toBeLessThanOrEqual(columns)
})
