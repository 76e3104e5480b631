// Lines that break: a WebSocket class whose sockets can be cut, and a fetch that loses what it is told to.

export type Fetch = (url: string, init?: RequestInit) => Promise<Response>

/** Sockets of the global WebSocket's class, the open ones known. */
export class Sockets {
  readonly open = new Set<WebSocket>()
  /** Every frame that came. */
  readonly received: string[] = []
  opened = 0
  readonly WebSocket = classOf(this)

  cut(): void {
    for (const socket of this.open) socket.close()
  }
}

const classOf = (sockets: Sockets): typeof WebSocket =>
  class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(String(url), protocols)
      sockets.opened++
      sockets.open.add(this)
      this.addEventListener('message', ({ data }) => sockets.received.push(String(data)))
      this.addEventListener('close', () => sockets.open.delete(this))
    }
  }

export interface LossyFetch {
  readonly fetch: Fetch
  readonly calls: { readonly url: string; readonly body: unknown; readonly key: string | undefined }[]
}

/** `loses(n)`: what becomes of the nth request. Its answer may be lost on the way, or it may itself. */
export function lossyFetch(loses: (call: number) => 'request' | 'answer' | undefined = () => undefined): LossyFetch {
  const calls: { url: string; body: unknown; key: string | undefined }[] = []
  return {
    calls,
    async fetch(url, init = {}) {
      const lost = loses(calls.length)
      const key = (init.headers as Record<string, string> | undefined)?.['idempotency-key']
      calls.push({ url, body: init.body, key })
      if (lost === 'request') throw new TypeError('the line was cut')
      const response = await fetch(url, init)
      if (lost === undefined) return response
      await response.text()
      throw new TypeError('the line was cut')
    },
  }
}
