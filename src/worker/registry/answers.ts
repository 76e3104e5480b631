// How the registry's HTTP API answers: Confluent's media types, and its errors, {"error_code","message"}.

import type { Refusal, SchemaVersion } from '../../schema/registry.ts'

const V1 = 'application/vnd.schemaregistry.v1+json'
/** Best first. */
const media = [V1, 'application/vnd.schemaregistry+json', 'application/json']

export type RegistryError = Refusal

const sentences: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'HTTP 404 Not Found',
  405: 'HTTP 405 Method Not Allowed',
  406: 'HTTP 406 Not Acceptable',
  413: 'HTTP 413 Request Entity Too Large',
  415: 'HTTP 415 Unsupported Media Type',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

export const registryErrors = {
  status: (status: number): RegistryError => ({ errorCode: status, message: sentences[status] ?? `HTTP ${status}` }),
  badRequest: (message: string): RegistryError => ({ errorCode: 400, message }),
  invalidSchemaType: (type: string): RegistryError => ({ errorCode: 42201, message: `Invalid schema type ${type}` }),
}

/** The registry is at the root, beside everything else. */
export const isRegistryPath = (path: string): boolean =>
  /^\/(?:subjects|schemas|config|mode|compatibility|contexts|v1\/metadata)(?:\/|$)/.test(path)

/** The media type of the answer; undefined where none is acceptable. */
export function answerMedia(accept: string | undefined): string | undefined {
  if (accept === undefined || accept.trim() === '') return V1
  let best: string | undefined
  let bestQuality = 0
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map(part => part.trim().toLowerCase())
    const q = parameters.find(parameter => parameter.startsWith('q='))
    const quality = q === undefined ? 1 : Number(q.slice(2))
    const found = media.find(each => type.startsWith('*') || type === 'application/*' || type === each)
    if (found !== undefined && quality > bestQuality) {
      best = found
      bestQuality = quality
    }
  }
  return best
}

/** Bodies are JSON, whatever of these they are called. */
export const isReadable = (contentType: string | undefined): boolean =>
  contentType === undefined ||
  /^\s*(?:application\/(?:vnd\.schemaregistry(?:\.v1)?\+json|json|octet-stream))\s*(?:;|$)/i.test(contentType)

export const jsonAnswer = (value: unknown, type: string): Response => textAnswer(JSON.stringify(value), type)

export const textAnswer = (text: string, type: string): Response =>
  new Response(text, { headers: { 'content-type': type } })

export function errorAnswer({ errorCode, message }: RegistryError, type = V1): Response {
  const status = errorCode >= 1_000 ? Math.floor(errorCode / 100) : errorCode
  return new Response(JSON.stringify({ error_code: errorCode, message }), { status, headers: { 'content-type': type } })
}

/** Which of a version's members an answer names. */
type Named = 'all' | 'id' | 'schema'

/**
 * A version as it is told; what says nothing is left out. As in Confluent Cloud, only clients that send
 * Confluent-Accept-Unknown-Properties get to know what older ones do not expect: `rich`.
 */
export function schemaJson(of: SchemaVersion, rich: boolean, named: Named = 'all'): object {
  const { subject, version, id, guid, schemaType, references, metadata, ruleSet, schema, deleted } = of
  if (named === 'id' && !rich) return { id }
  return {
    ...(named === 'all' ? { subject, version } : {}),
    ...(named === 'schema' ? {} : { id }),
    ...(named === 'id' ? { version } : {}),
    ...(rich ? { guid } : {}),
    ...(rich || schemaType !== 'AVRO' ? { schemaType } : {}),
    ...(references.length > 0 ? { references } : {}),
    ...(metadata === undefined ? {} : { metadata }),
    ...(ruleSet === undefined ? {} : { ruleSet }),
    // Who registers a schema has it, maybe in another form, which this one would displace in its memory.
    ...(named === 'id' ? {} : { schema }),
    ...(rich && deleted ? { deleted } : {}),
  }
}
