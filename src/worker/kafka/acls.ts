// What stands in the answers about ACLs as long as there is no authorizer: what Apache Kafka says without one, from which
// MirrorMaker and others learn that there is nothing to copy.

import { failure } from '../../protocol/errors.ts'
import { int8, string } from '../../protocol/schema.ts'

/** Kafka's AclApis. */
export const NO_AUTHORIZER = failure('SECURITY_DISABLED', 'No Authorizer is configured.')
/** DescribeAcls is answered by the broker, which says it in other words than the controller. */
export const NO_AUTHORIZER_HERE = failure('SECURITY_DISABLED', 'No Authorizer is configured on the broker')

/** Which ACLs a request means (Kafka's AclBindingFilter). */
export const ACL_FILTER = {
  resourceTypeFilter: int8(),
  resourceNameFilter: string().nullable(),
  patternTypeFilter: int8().or(3),
  principalFilter: string().nullable(),
  hostFilter: string().nullable(),
  operation: int8(),
  permissionType: int8(),
}
