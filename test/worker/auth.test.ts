import { describe, expect, it } from 'vitest'
import { authorizationOf, authorize } from '../../src/worker/auth.ts'

const local = { EDGELOG_LOCAL: '1' }
const token = { EDGELOG_ADMIN_TOKEN: 'sesame' }
const anonymous = { type: 'User', name: 'ANONYMOUS' }
const admin = { type: 'User', name: 'admin' }
const closed = { error: 'SECURITY_DISABLED' }
const refused = { error: 'SASL_AUTHENTICATION_FAILED' }

describe('who may', () => {
  it.each([
    { env: local, authorization: null, then: anonymous },
    { env: { ...local, ...token }, authorization: null, then: anonymous },
    { env: {}, authorization: null, then: closed },
    { env: {}, authorization: 'Bearer sesame', then: closed },
    { env: { EDGELOG_ADMIN_TOKEN: '' }, authorization: 'Bearer ', then: closed },
    { env: { EDGELOG_LOCAL: '0', ...token }, authorization: null, then: refused },
    { env: token, authorization: 'Bearer sesame', then: admin },
    { env: token, authorization: 'bearer  sesame ', then: admin },
    { env: token, authorization: 'Bearer sesam', then: refused },
    { env: token, authorization: 'Bearer sesame2', then: refused },
    { env: token, authorization: 'Bearer öffne', then: refused },
    { env: token, authorization: 'Basic sesame', then: refused },
    { env: token, authorization: `Basic ${btoa('anyone:sesame')}`, then: admin },
    { env: token, authorization: `basic ${btoa(':sesame')}`, then: admin },
    { env: token, authorization: `Basic ${btoa('sesame:other')}`, then: refused },
    { env: token, authorization: `Basic ${btoa('sesame')}`, then: refused },
    { env: token, authorization: '', then: refused },
  ])('$env with $authorization', ({ env, authorization, then }) =>
    expect(authorize({ authorization }, env)).toMatchObject(then),
  )
})

describe('what a request says of who calls', () => {
  const protocol = (token: string): string => `bearer.${Buffer.from(token).toString('base64url')}`
  it.each([
    { headers: {}, then: null },
    { headers: { authorization: 'Bearer a' }, then: 'Bearer a' },
    { headers: { 'sec-websocket-protocol': 'edgelog' }, then: null },
    { headers: { 'sec-websocket-protocol': `edgelog, ${protocol('a+/?=ö')}` }, then: 'Bearer a+/?=ö' },
    { headers: { 'sec-websocket-protocol': `${protocol('a')},kafka` }, then: 'Bearer a' },
    { headers: { authorization: 'Bearer a', 'sec-websocket-protocol': protocol('b') }, then: 'Bearer a' },
  ])('$headers', ({ headers, then }) => expect(authorizationOf(new Headers(headers))).toBe(then))
})
