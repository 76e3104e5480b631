// A client of the HTTP API for tests: paths and bodies in, status and JSON out.

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; undefined if it is none. */
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly json: any
}

export type Body = string | Uint8Array | ReadableStream<Uint8Array> | object

export interface Call {
  readonly headers?: Record<string, string>
  readonly body?: Body
  readonly type?: string
}

/** `api('POST /v1/topics', { body: { name: 't' } })` */
export const client =
  (base: URL | string) =>
  async (what: string, { headers = {}, body, type }: Call = {}): Promise<Reply> => {
    const [method, path] = what.split(' ', 2) as [string, string]
    const plain = typeof body === 'object' && !(body instanceof Uint8Array) && !(body instanceof ReadableStream)
    const contentType = type ?? (plain ? 'application/json' : undefined)
    const response = await fetch(new URL(path, base), {
      method,
      headers: { ...(contentType === undefined ? {} : { 'content-type': contentType }), ...headers },
      ...(body === undefined ? {} : { body: (plain ? JSON.stringify(body) : body) as BodyInit, duplex: 'half' }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: parsed(text) }
  }

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
