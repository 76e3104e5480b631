import { describe, expect, it } from 'vitest'
import { crossOrigin, preflight } from '../../src/worker/cors.ts'

const host = 'localhost:8787'
const local = { EDGELOG_LOCAL: '1' }

describe('what a page may do', () => {
  it.each([
    { origin: null, env: {}, read: true, write: true },
    { origin: 'http://localhost:8787', env: {}, read: true, write: true },
    { origin: 'http://localhost:3000', env: local, read: true, write: false },
    { origin: 'null', env: local, read: true, write: false },
    { origin: 'http://localhost:3000', env: {}, read: false, write: false },
    {
      origin: 'http://a.example',
      env: { EDGELOG_CORS: 'http://a.example, http://b.example' },
      read: true,
      write: true,
    },
    { origin: 'http://c.example', env: { ...local, EDGELOG_CORS: 'http://a.example' }, read: false, write: false },
    { origin: 'http://c.example', env: { EDGELOG_CORS: '*' }, read: true, write: true },
    { origin: 'http://c.example', env: { ...local, EDGELOG_CORS: '' }, read: false, write: false },
  ])('$origin with $env', ({ origin, env, read, write }) =>
    expect(crossOrigin(origin, host, env)).toMatchObject({ mayRead: read, mayWrite: write }),
  )

  it('is told in headers only where it may read', () => {
    const origin = 'http://a.example'
    const allowed = 'access-control-allow-origin'
    expect(crossOrigin(origin, host, { EDGELOG_CORS: origin }).headers).toMatchObject({
      [allowed]: origin,
      vary: 'origin',
    })
    expect(crossOrigin(origin, host, local).headers).toMatchObject({ [allowed]: '*' })
    expect(crossOrigin(origin, host, {}).headers).toEqual({})
    expect(crossOrigin('http://localhost:8787', host, local).headers).toEqual({})
  })

  it.each([
    { env: local, methods: 'GET, HEAD' },
    { env: { EDGELOG_CORS: '*' }, methods: 'GET, HEAD, POST, PUT, PATCH, DELETE' },
    { env: {}, methods: null },
  ])('before it sends: $methods', ({ env, methods }) => {
    const answer = preflight(crossOrigin('http://a.example', host, env), 'content-type')
    expect(answer.status).toBe(204)
    expect(answer.headers.get('access-control-allow-methods')).toBe(methods)
    expect(answer.headers.get('access-control-allow-headers')).toBe(methods && 'content-type')
  })
})
