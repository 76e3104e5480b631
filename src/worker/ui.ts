// /ui: the admin page. It is files that say nothing of this broker, so whoever may not read the broker may load them, and is
// asked there for the token.

import type { App } from './app.ts'
import { problem } from './problem.ts'

/** Nothing but its own files, and no talk but with this broker. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** As the file `_headers` has them where Cloudflare serves the page (scripts/web.ts). */
export const UI_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

export const isUiPath = (pathname: string): boolean => pathname === '/ui' || pathname.startsWith('/ui/')

export function mountUi(app: App): void {
  app.get('/ui', c => c.redirect('/ui/', 307))
  app.get('/ui/:file{.*}', async c => {
    const file = await c.env.ASSETS?.fetch(new URL(c.req.path, 'http://assets'))
    if (!file?.ok)
      return problem({ error: 'RESOURCE_NOT_FOUND', message: 'The admin page has no such file; it is at /ui/.' })
    const headers = new Headers(file.headers)
    for (const [name, value] of Object.entries(UI_HEADERS)) headers.set(name, value)
    return new Response(file.body, { headers })
  })
}
