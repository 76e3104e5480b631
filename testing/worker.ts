// The Worker as tests of other projects run it (index.ts): all of it as it is, on a clock that can be moved. What is deployed
// is src/worker/index.ts, which knows nothing of this.

import { ahead, setAhead } from './clock.ts'
import worker, * as objects from '../src/worker/index.ts'
import type { Env } from '../src/worker/env.ts'

/** Objects told at once that the clock was moved. */
const WAVE = 50
/** What falls due only because of what was due before comes in the next round; so many rounds at most. */
const MAX_ROUNDS = 10

/** Sets the clock, then wakes all of these objects: what has fallen due is done when it answers. */
export interface Move {
  readonly aheadMs: number
  /** Ids by binding. */
  readonly objects: Readonly<Record<string, readonly string[]>>
}

interface TestingEnv extends Env {
  /** Only who knows this may move the clock. */
  readonly EDGELOG_TESTING?: string
}

type ObjectClass = new (ctx: DurableObjectState, env: never) => { alarm(): Promise<void> }

interface OnClock {
  moved(): Promise<void>
}

/** The object, its alarm set by the clock. */
function onClock<T extends ObjectClass>(object: T): T {
  return class extends (object as ObjectClass) implements OnClock {
    readonly #storage: DurableObjectStorage

    constructor(ctx: DurableObjectState, env: never) {
      const { storage } = ctx
      const setAlarm = storage.setAlarm.bind(storage)
      const getAlarm = storage.getAlarm.bind(storage)
      storage.setAlarm = (at, options) => setAlarm(Number(at) - ahead(), options)
      storage.getAlarm = async options => {
        const at = await getAlarm(options)
        return at === null ? null : at + ahead()
      }
      super(ctx, env)
      this.#storage = storage
    }

    /** An alarm that comes early only looks at the clock and is set again, so it needs no reason. */
    async moved(): Promise<void> {
      for (let round = 0; round < MAX_ROUNDS; round++) {
        await this.alarm()
        const next = await this.#storage.getAlarm()
        if (next === null || next > Date.now()) return
      }
    }
  } as unknown as T
}

export const ClusterObject = onClock(objects.ClusterObject)
export const CoordinatorObject = onClock(objects.CoordinatorObject)
export const PartitionObject = onClock(objects.PartitionObject)
export const TransactionObject = onClock(objects.TransactionObject)

async function move({ aheadMs, objects }: Move, env: TestingEnv): Promise<Response> {
  setAhead(aheadMs)
  const stubs = Object.entries(objects).flatMap(([binding, ids]) => {
    const namespace = env[binding as 'PARTITION'] as unknown as DurableObjectNamespace
    return ids.map(id => namespace.get(namespace.idFromString(id)) as unknown as OnClock)
  })
  for (let at = 0; at < stubs.length; at += WAVE)
    await Promise.all(stubs.slice(at, at + WAVE).map(stub => stub.moved()))
  return new Response(null, { status: 204 })
}

export default {
  ...worker,
  async fetch(request: Request, env: TestingEnv, ctx: ExecutionContext): Promise<Response> {
    const secret = request.headers.get('edgelog-testing')
    if (secret === null || secret !== env.EDGELOG_TESTING) return worker.fetch(request, env, ctx)
    return move(await request.json(), env)
  },
}
