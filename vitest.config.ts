// Two projects: `node` tests what needs no platform, and whole brokers from outside; `workerd` runs inside the runtime,
// where objects can be evicted, alarms fired and storage looked into.

import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { readSettings } from './testing/settings.ts'

const { main, compatibilityDate, compatibilityFlags, objects, vars } = readSettings('wrangler.toml')

/** Not the plugin's own reading of wrangler.toml: that opens the Kafka port, once per test file. */
const worker = cloudflareTest({
  main,
  miniflare: {
    compatibilityDate,
    compatibilityFlags: [...compatibilityFlags],
    durableObjects: Object.fromEntries(
      objects.map(({ binding, className }) => [binding, { className, useSQLite: true }] as const),
    ),
    bindings: { ...vars, EDGELOG_LOCAL: '1' },
  },
})

const timeouts = { testTimeout: 20_000, hookTimeout: 20_000 }

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'node', include: ['test/**/*.test.ts'], exclude: ['test/objects/**'], ...timeouts } },
      { plugins: [worker], test: { name: 'workerd', include: ['test/objects/**/*.test.ts'], ...timeouts } },
    ],
  },
})
