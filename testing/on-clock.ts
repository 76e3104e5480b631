// The broker as tests of other projects run it (index.ts): all of it as it is, on a clock that can be moved. bundle.ts puts
// this around the Worker and its objects. What is deployed is src/worker/index.ts alone, which knows nothing of it.

import unsafe from 'workerd:unsafe'
import { endLines } from '../src/near.ts'
import { ahead, setAhead } from './clock.ts'
import { SECRET_HEADER, type Word } from './word.ts'

/** Objects told at once that the clock was moved. */
const WAVE = 50
/** What falls due only because of what was due before comes in the next round; so many rounds at most. */
const MAX_ROUNDS = 10

/** How long objects are waited for that are at work just then: a member waits in one for the others, say. */
const MAX_EVICTION_MS = 1_000

type ObjectClass = new (ctx: DurableObjectState, env: never) => object

interface OnClock {
  moved(): Promise<void>
}

/** The object, its alarm set by the clock. */
export function objectOnClock<T extends ObjectClass>(object: T): T {
  return class
    extends (object as ObjectClass as new (ctx: DurableObjectState, env: never) => { alarm?(): Promise<void> })
    implements OnClock
  {
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
        await this.alarm?.()
        const next = await this.#storage.getAlarm()
        if (next === null || next > Date.now()) return
      }
    }
  } as ObjectClass as T
}

interface TestingEnv {
  readonly EDGELOG_TESTING?: string
}

interface Fetching<Env> {
  fetch(request: Request, env: Env, ctx: ExecutionContext): Response | Promise<Response>
}

/** The Worker, and a door to the clock for whoever knows the secret. */
export function workerOnClock<Env extends TestingEnv, T extends Fetching<Env>>(worker: T): T {
  return {
    ...worker,
    async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
      const secret = request.headers.get(SECRET_HEADER)
      if (secret === null || secret !== env.EDGELOG_TESTING) return worker.fetch(request, env, ctx)
      await told(await request.json(), env as unknown as Readonly<Record<string, DurableObjectNamespace>>)
      return new Response(null, { status: 204 })
    },
  }
}

async function told(
  { aheadMs = ahead(), evict, objects }: Word,
  namespaces: Readonly<Record<string, DurableObjectNamespace>>,
): Promise<void> {
  const stubs = Object.entries(objects).flatMap(([binding, ids]) => {
    const namespace = namespaces[binding]!
    return ids.map(id => namespace.get(namespace.idFromString(id)))
  })
  if (evict) {
    await endLines()
    const waited = new Promise<void>(resolve => setTimeout(resolve, MAX_EVICTION_MS))
    await Promise.race([Promise.all(stubs.map(evicted)), waited])
    return
  }
  setAhead(aheadMs)
  for (let at = 0; at < stubs.length; at += WAVE)
    await Promise.all(stubs.slice(at, at + WAVE).map(stub => (stub as unknown as OnClock).moved()))
}

async function evicted(stub: DurableObjectStub): Promise<void> {
  try {
    await unsafe.evict(stub, { webSockets: 'hibernate' })
  } catch (error) {
    // It has no memory to lose, or would not let go.
    if (!/not currently running|active references/.test(String(error))) throw error
  }
}
