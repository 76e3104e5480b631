import { array, int16, int32, int8, string } from '../../../protocol/schema.ts'
import { codeOf } from '../../../protocol/errors.ts'
import { api } from '../api.ts'
import type { Nodes } from '../nodes.ts'

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
  handle(request, { version, nodes }) {
    const find = (key: string) => coordinatorOf(key, request.keyType, nodes)
    if (version >= 4) return { coordinators: request.coordinatorKeys.map(key => ({ key, ...find(key) })) }
    return { ...find(request.key), coordinators: [] }
  },
})

const GROUP = 0
const TRANSACTION = 1

/** Any broker answers for every group and transaction; which one is told spreads the connections. */
function coordinatorOf(key: string, keyType: number, nodes: Nodes) {
  if (keyType !== GROUP && keyType !== TRANSACTION)
    return {
      errorCode: codeOf('INVALID_REQUEST'),
      errorMessage: `There is no coordinator of type ${keyType}.`,
      nodeId: -1,
      host: '',
      port: -1,
    }
  const { nodeId, host, port } = nodes.all[nodes.leaderOf(key, keyType)]!
  return { errorCode: 0, errorMessage: null, nodeId, host, port }
}
