// Errors as Confluent's REST Proxy tells them: {"error_code","message"}, where the first three digits are the HTTP status.
// Which code each error of Kafka gets follows its KafkaExceptionMapper.

import { type ErrorName, errors, type Failure } from '../../protocol/errors.ts'

export interface RestFailure {
  readonly errorCode: number
  readonly message: string
  /** Where the code does not begin with it. */
  readonly status?: number
}

export const restFailure = (errorCode: number, message: string): RestFailure => ({ errorCode, message })

export const isRestFailure = (value: unknown): value is RestFailure =>
  typeof value === 'object' && value !== null && 'errorCode' in value && 'message' in value

export const TOPIC_NOT_FOUND = restFailure(40401, 'Topic not found.')
export const PARTITION_NOT_FOUND = restFailure(40402, 'Partition not found.')
export const INSTANCE_NOT_FOUND = restFailure(40403, 'Consumer instance not found.')
export const NOT_FOUND = restFailure(404, 'HTTP 404 Not Found')
export const NOT_ACCEPTABLE = restFailure(406, 'HTTP 406 Not Acceptable')
export const UNSUPPORTED_MEDIA = restFailure(415, 'HTTP 415 Unsupported Media Type')

const BAD_REQUEST = 40002
const UNKNOWN_TOPIC_OR_PARTITION = 40403
const KAFKA_ERROR = 50002
const RETRIABLE = 50003

const codes: Partial<Record<ErrorName, number>> = {
  BROKER_NOT_AVAILABLE: 50302,
  INVALID_REPLICATION_FACTOR: BAD_REQUEST,
  MESSAGE_TOO_LARGE: 413,
  SECURITY_DISABLED: BAD_REQUEST,
  UNSUPPORTED_VERSION: BAD_REQUEST,
  INVALID_PARTITIONS: BAD_REQUEST,
  INVALID_REQUEST: BAD_REQUEST,
  UNKNOWN_SERVER_ERROR: BAD_REQUEST,
  UNKNOWN_TOPIC_OR_PARTITION,
  UNKNOWN_TOPIC_ID: UNKNOWN_TOPIC_OR_PARTITION,
  POLICY_VIOLATION: BAD_REQUEST,
  TOPIC_ALREADY_EXISTS: BAD_REQUEST,
  INVALID_CONFIG: BAD_REQUEST,
  INVALID_TOPIC_EXCEPTION: BAD_REQUEST,
  TOPIC_DELETION_DISABLED: BAD_REQUEST,
  THROTTLING_QUOTA_EXCEEDED: 42901,
}

/** What the proxy makes of an error of Kafka. */
export function fromKafka({ error, message }: Failure): RestFailure {
  const { status, retriable } = errors[error]
  const known = codes[error]
  if (known === UNKNOWN_TOPIC_OR_PARTITION) return restFailure(known, 'This server does not host this topic-partition.')
  if (known !== undefined) return restFailure(known, message)
  if (status === 401) return restFailure(40101, message)
  if (status === 403) return restFailure(40301, message)
  return restFailure(retriable ? RETRIABLE : KAFKA_ERROR, message)
}

const statusOf = (errorCode: number): number => (errorCode >= 1000 ? Math.floor(errorCode / 100) : errorCode)

export const errorBody = ({ errorCode, message }: RestFailure) => ({ error_code: errorCode, message })

export const refuse = (failure: RestFailure, contentType = 'application/json'): Response =>
  new Response(JSON.stringify(errorBody(failure)), {
    status: failure.status ?? statusOf(failure.errorCode),
    headers: { 'content-type': contentType },
  })
