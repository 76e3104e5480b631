// The broker's configs. They are read only here: the Worker's variables set them.

import { api } from '../api.ts'
import type { Cluster } from '../../client/answers.ts'
import { ConfigTable } from '../config-table.tsx'
import { useLoaded } from '../loading.ts'
import { Head, Ready } from '../parts.tsx'

export function Configuration() {
  const loaded = useLoaded('configuration', signal => api<Cluster>('/v1/cluster', { signal }))
  return (
    <>
      <Head crumbs={[{ label: 'Configuration' }]} />
      <p class="soft lead">
        Configs of the broker, which topics take as their defaults. Variables of the Worker set them:{' '}
        <code>EDGELOG_LOG_RETENTION_HOURS=24</code> is <code>log.retention.hours=24</code>.
      </p>
      <Ready loaded={loaded}>{({ config }) => <ConfigTable config={config} />}</Ready>
    </>
  )
}
