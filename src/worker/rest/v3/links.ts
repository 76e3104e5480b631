// What every resource of v3 has around its data: its kind, where it is, its name as a CRN, and where related ones are.

/** Names and values of a resource name: `['topic', 'orders', 'partition', '0']`; a name alone has no value. */
type Crn = readonly string[]

export class Links {
  readonly #base: string
  readonly #clusterId: string

  constructor(origin: string, clusterId: string) {
    this.#base = `${origin}/v3/clusters`
    this.#clusterId = clusterId
  }

  /** The address of a resource of the cluster, by the parts of its path. */
  url(...parts: readonly (string | number)[]): string {
    return [this.#base, ...[this.#clusterId, ...parts].map(encodeURIComponent)].join('/')
  }

  related(...parts: readonly (string | number)[]): { readonly related: string } {
    return { related: this.url(...parts) }
  }

  /** The list of all clusters. */
  clusters(): string {
    return this.#base
  }

  resource<T extends object>(kind: string, self: readonly (string | number)[], crn: Crn, data: T) {
    const metadata = { self: this.url(...self), resource_name: crnOf(['kafka', this.#clusterId, ...crn]) }
    return { kind, metadata, cluster_id: this.#clusterId, ...data }
  }

  list<T extends object>(kind: string, self: readonly (string | number)[], data: readonly T[]) {
    return { kind: `${kind}List`, metadata: { self: this.url(...self), next: null }, data }
  }
}

function crnOf(parts: Crn): string {
  let crn = 'crn://'
  for (let i = 0; i < parts.length; i += 2)
    crn += parts[i + 1] === undefined ? `/${parts[i]}` : `/${parts[i]}=${parts[i + 1]}`
  return crn
}
