import { array, int16, int32, int8, string } from '../../../protocol/schema.ts'
import { api } from '../api.ts'

/**
 * Which broker coordinates a group (keyType 0), a transactional id (1) or a share partition (2, since v6).
 * v3 is flexible, v4 asks for many keys at once (KIP-699).
 */
export const findCoordinator = api({
  key: 10,
  name: 'FindCoordinator',
  versions: '0-6',
  flexible: '3+',
  request: {
    key: string().in('0-3'),
    keyType: int8().in('1+').or(0),
    coordinatorKeys: array(string()).in('4+'),
  },
  response: {
    throttleTimeMs: int32().in('1+'),
    errorCode: int16().in('0-3'),
    errorMessage: string().in('1-3').nullable(),
    nodeId: int32().in('0-3'),
    host: string().in('0-3'),
    port: int32().in('0-3'),
    coordinators: array({
      key: string(),
      nodeId: int32(),
      host: string(),
      port: int32(),
      errorCode: int16(),
      errorMessage: string().nullable(),
    }).in('4+'),
  },
})
