// What Cloudflare serves beside the Worker, served here: the files of the admin page, under /ui/.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pageFile } from './bundle.ts'
import { HOST } from './ports.ts'

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
}

const FILE = /^\/ui\/([a-z]*\.?(html|js|css|svg)?)$/

export interface Assets {
  readonly port: number
  close(): Promise<void>
}

/** On a port that the Worker alone is told; the files say nothing of the broker. */
export async function serveAssets(): Promise<Assets> {
  const server = createServer((request, answer) => {
    serveAsset(request, answer).catch((error: unknown) => answer.writeHead(500).end(String(error)))
  })
  await once(server.listen(0, HOST), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

async function serveAsset({ url = '' }: IncomingMessage, answer: ServerResponse): Promise<void> {
  const { pathname } = new URL(url, 'http://assets')
  const [, asked, suffix = 'html'] = FILE.exec(pathname) ?? []
  const file = asked === undefined ? undefined : await pageFile(asked || 'index.html')
  if (file === undefined) answer.writeHead(404).end()
  else answer.writeHead(200, { 'content-type': types[suffix]!, 'cache-control': 'no-cache' }).end(file)
}
