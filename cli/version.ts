// The version of this package.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** package.json stands one folder up, in the tree as well as in the package. */
export const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
  version: string
}
