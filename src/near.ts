// Calls between a Worker and an object that live in the same isolate, as on one's own machine. What is asked and answered is
// handed over as it is: 6 µs, where a call takes 60 and copies everything four times. The call that opens a line stays open
// behind it: it keeps the object there, and fails when the object does (docs/decisions/0015).
//
// The two ends run in contexts of their own. A promise that one end waits for and the other resolves goes on where it was
// made (compatibility flag handle_cross_request_promise_resolution), if it was made by Promise.withResolvers: what the
// compiler makes of `new Promise` forgets where that was.

/** Calls after which a line is worth its opening. */
const WORTH_CALLS = 16
/** Lines of one isolate at a time: each keeps its object awake. */
const MAX_LINES = 1_000

interface Runtime {
  readonly compatibilityFlags: Readonly<Record<string, boolean>>
}
const runtime = (globalThis as { readonly Cloudflare?: Runtime }).Cloudflare

/** Do promises go on where they were made? The harness of tests within the runtime turns that off. */
export const mayBeNear = runtime?.compatibilityFlags['handle_cross_request_promise_resolution'] !== false

/** Lines that are open, or whose object has yet to answer. */
const lines = new Map<string, Line>()

/** Resolves when no object is kept by a line; until then calls are made the far way. */
export async function endLines(): Promise<void> {
  for (const line of lines.values()) line.end()
  while (lines.size > 0) await new Promise(resolve => setTimeout(resolve, 1))
}

interface Call {
  readonly method: string
  readonly args: readonly unknown[]
  readonly answer: (value: unknown) => void
  readonly fail: (error: unknown) => void
}

/** The caller's end: one object's line, opened once enough calls were made. */
export class Near {
  readonly #attend: (id: string) => Promise<boolean>
  #calls = 0
  #line: Line | undefined
  #isFar = false
  #isUsed = false

  /** `attend` calls the object, which answers with what `serve` does. */
  constructor(attend: (id: string) => Promise<boolean>) {
    this.#attend = attend
  }

  get isOpen(): boolean {
    return this.#line?.isOpen ?? false
  }

  /** The answer; undefined where there is no line, or not yet: the object is to be called then. */
  call(method: string, ...args: readonly unknown[]): Promise<unknown> | undefined {
    this.#isUsed = true
    if (this.#line?.isOpen) return this.#line.call(method, args)
    if (this.#line === undefined && !this.#isFar && ++this.#calls >= WORTH_CALLS && lines.size < MAX_LINES)
      this.#open(new Line())
    return undefined
  }

  /** Ends a line that was not used since this was asked last. */
  rest(): void {
    if (!this.#isUsed) void this.close()
    this.#isUsed = false
  }

  /** Resolves when everything called for has been answered. */
  async close(): Promise<void> {
    const line = this.#line
    this.#line = undefined
    this.#calls = 0
    line?.end()
    await line?.ended
  }

  #open(line: Line): void {
    this.#line = line
    lines.set(line.id, line)
    const attended = this.#attend(line.id).then(
      isNear => {
        this.#isFar = !isNear
      },
      (error: unknown) => line.fail(error),
    )
    line.ended = attended.then(() => {
      lines.delete(line.id)
      if (this.#line !== line) return
      this.#line = undefined
      this.#calls = 0
    })
  }
}

/** The object's end: answers from `methods` until the caller ends the line; false at once if it is in another isolate. */
export async function serve(id: string, methods: object): Promise<boolean> {
  const line = lines.get(id)
  await line?.serve(methods as Methods)
  return line !== undefined
}

type Methods = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>

class Line {
  readonly id = crypto.randomUUID()
  isOpen = false
  /** Resolves when the object has left it. */
  ended: Promise<void> | undefined
  #isEnding = false
  #waiting: Call[] = []
  readonly #unanswered = new Set<Call>()
  #wake: (() => void) | undefined

  call(method: string, args: readonly unknown[]): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const call = { method, args, answer: resolve, fail: reject }
    this.#unanswered.add(call)
    this.#waiting.push(call)
    this.#wake?.()
    return promise
  }

  end(): void {
    this.isOpen = false
    this.#isEnding = true
    this.#wake?.()
  }

  /** The object is gone, and whether it did what was called for is unknown. */
  fail(error: unknown): void {
    this.isOpen = false
    for (const { fail } of this.#unanswered) fail(error)
    this.#unanswered.clear()
  }

  async serve(methods: Methods): Promise<void> {
    this.isOpen = !this.#isEnding
    for (;;) {
      const calls = this.#waiting
      this.#waiting = []
      for (const call of calls) void this.#answer(call, methods)
      if (this.#isEnding && this.#unanswered.size === 0) return
      if (this.#waiting.length > 0) continue
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await promise
      this.#wake = undefined
    }
  }

  async #answer(call: Call, methods: Methods): Promise<void> {
    const { method, args, answer, fail } = call
    try {
      answer(await methods[method]!(...args))
    } catch (error) {
      fail(error)
    }
    this.#unanswered.delete(call)
    if (this.#isEnding) this.#wake?.()
  }
}
