// GET /metrics, read by the parser of Prometheus' own Python client, which refuses what Prometheus would.

import type { Checks } from './checks.ts'
import { python } from './python.ts'
import { expectOk, run } from './run.ts'

const READ = `
import sys, json, urllib.request
from prometheus_client.parser import text_string_to_metric_families
text = urllib.request.urlopen(sys.argv[1]).read().decode()
families = {f.name: (f.type, len(f.samples)) for f in text_string_to_metric_families(text)}
assert families, 'no metrics'
for name, (type, samples) in families.items():
    assert type in ('counter', 'gauge', 'histogram'), (name, type)
print(json.dumps(families))
`

export const metrics = (checks: Checks, http: URL): Promise<void> =>
  checks.check("Prometheus' own parser reads /metrics", async () => {
    expectOk(await run(python, ['-m', 'pip', 'install', '--quiet', 'prometheus-client']))
    const record = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"value":1}' }
    await fetch(new URL('/v1/topics/measured/records', http), record)
    const { stdout } = expectOk(await run(python, ['-c', READ, new URL('/metrics', http).href]))
    const families = JSON.parse(stdout) as Record<string, [string, number]>
    const [type, samples] = families['edgelog_partition_call_duration_seconds'] ?? []
    if (type !== 'histogram' || samples! < 17) throw new Error(`it read ${stdout}`)
  })
