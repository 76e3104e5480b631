// Stands in for the module `cloudflare:workers` where objects are run without the runtime.

export class DurableObject<E = unknown> {
  readonly ctx: DurableObjectState
  readonly env: E
  constructor(ctx: DurableObjectState, env: E) {
    this.ctx = ctx
    this.env = env
  }
}
