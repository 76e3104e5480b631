// What stands in the answers about ACLs as long as there is no authorizer: what Apache Kafka says without one, from which
// MirrorMaker and others learn that there is nothing to copy.

import { failure } from '../../protocol/errors.ts'

/** Kafka's AclApis. */
export const NO_AUTHORIZER = failure('SECURITY_DISABLED', 'No Authorizer is configured.')
/** DescribeAcls is answered by the broker, which says it in other words than the controller. */
export const NO_AUTHORIZER_HERE = failure('SECURITY_DISABLED', 'No Authorizer is configured on the broker')
