// What Cloudflare serves beside the Worker, served here: the files of the admin page, under /ui/.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { pageFile } from './bundle.ts'

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
}

const FILE = /^\/ui\/([a-z]*\.?(html|js|css|svg)?)$/

export async function serveAsset({ url = '' }: IncomingMessage, answer: ServerResponse): Promise<void> {
  const { pathname } = new URL(url, 'http://assets')
  const [, asked, suffix = 'html'] = FILE.exec(pathname) ?? []
  const file = asked === undefined ? undefined : await pageFile(asked || 'index.html')
  if (file === undefined) answer.writeHead(404).end()
  else answer.writeHead(200, { 'content-type': types[suffix]!, 'cache-control': 'no-cache' }).end(file)
}
