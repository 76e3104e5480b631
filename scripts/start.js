// `npm start`. In JavaScript, so that what Node made of the TypeScript before is found without loading its compiler.

import { enableCompileCache } from 'node:module'

enableCompileCache()
await import('./start.ts')
