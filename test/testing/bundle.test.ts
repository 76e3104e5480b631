// How large the Worker is: every start of it, here and on Cloudflare, reads all of that first.

import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { bundling } from '../../testing/bundle.ts'

/** Cloudflare takes 3 MB compressed of whoever pays nothing. A start of the Worker takes some 20 ms more for each MB of this. */
const MAX_BYTES = 1_700_000
/** The largest of what is not ours. */
const MAX_ZOD_BYTES = 250_000

describe('the Worker', () => {
  it('stays small, and takes of zod what it uses', async () => {
    const { metafile } = await build({ ...bundling('worker'), write: false, metafile: true })
    const { bytes, inputs } = Object.values(metafile.outputs)[0]!
    const zod = Object.entries(inputs).filter(([path]) => path.startsWith('node_modules/zod/'))
    expect(zod.length).toBeGreaterThan(0)
    expect(zod.reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0)).toBeLessThan(MAX_ZOD_BYTES)
    expect(bytes).toBeLessThan(MAX_BYTES)
  })
})
