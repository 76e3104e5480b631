// wrangler.toml, read once for everybody who runs the Worker outside of Cloudflare: the local broker, its tests, the bench.

import { readFileSync } from 'node:fs'
import { parse } from 'smol-toml'

export interface Settings {
  readonly name: string
  readonly main: string
  readonly compatibilityDate: string
  readonly compatibilityFlags: readonly string[]
  readonly objects: readonly { readonly binding: string; readonly className: string }[]
  readonly vars: Readonly<Record<string, string>>
  readonly httpPort: number
  readonly kafkaPorts: readonly number[]
}

interface Toml {
  name: string
  main: string
  compatibility_date: string
  compatibility_flags?: string[]
  durable_objects: { bindings: { name: string; class_name: string }[] }
  connect?: { protocol: string; port: number }[]
  vars?: Record<string, string>
  dev?: { port?: number }
}

export function readSettings(path: string): Settings {
  const toml = parse(readFileSync(path, 'utf8')) as unknown as Toml
  return {
    name: toml.name,
    main: toml.main,
    compatibilityDate: toml.compatibility_date,
    compatibilityFlags: toml.compatibility_flags ?? [],
    objects: toml.durable_objects.bindings.map(({ name, class_name }) => ({ binding: name, className: class_name })),
    vars: toml.vars ?? {},
    httpPort: toml.dev?.port ?? 8787,
    kafkaPorts: (toml.connect ?? []).filter(({ protocol }) => protocol === 'tcp').map(({ port }) => port),
  }
}
