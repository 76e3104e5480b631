// The content types of the REST Proxy's v2: its own for everything, and one for each format that records may come in. What
// a request brings and wants is judged here, as the proxy does.

import { mediaType, rangesOf } from '../../media.ts'
import { NOT_ACCEPTABLE, type RestFailure, UNSUPPORTED_MEDIA } from '../errors.ts'

export const V2_JSON = 'application/vnd.kafka.v2+json'

export const embeddedFormats = ['binary', 'json', 'avro', 'jsonschema', 'protobuf'] as const
export type EmbeddedFormat = (typeof embeddedFormats)[number]

export const mediaOf = (format: EmbeddedFormat): string => `application/vnd.kafka.${format}.v2+json`

const formatOfMedia = new Map<string, EmbeddedFormat>(embeddedFormats.map(format => [mediaOf(format), format]))
/** Which of them an Accept may name where the answer holds no records. */
const acceptable = new Set([V2_JSON, 'application/json', 'application/*', '*/*', ...formatOfMedia.keys()])

/** The format of the records in a body. */
export const formatOfBody = (contentType: string | null): EmbeddedFormat | RestFailure =>
  formatOfMedia.get(mediaType(contentType)) ?? UNSUPPORTED_MEDIA

/** A body that holds no records may be of any of the types. */
export function checkBody(contentType: string | null): RestFailure | undefined {
  const media = mediaType(contentType)
  return media === V2_JSON || media === 'application/json' || formatOfMedia.has(media) ? undefined : UNSUPPORTED_MEDIA
}

/** 406 where nothing the client accepts is what v2 has to say. */
export function checkAccept(accept: string | null): RestFailure | undefined {
  return accept === null || rangesOf(accept).some(range => acceptable.has(range)) ? undefined : NOT_ACCEPTABLE
}

/** Formats that the records of an instance may be in, and what the answer is called. */
export interface Wanted {
  readonly formats: readonly EmbeddedFormat[]
  readonly media: string
}

const SCHEMA_FORMATS: readonly EmbeddedFormat[] = ['avro', 'jsonschema', 'protobuf']

/** Binary where nothing is said. As with the proxy, those that need a schema are not told apart. */
export function wantedFormat(accept: string | null): Wanted | RestFailure {
  for (const range of rangesOf(accept ?? '*/*')) {
    const format = formatOfMedia.get(range)
    if (format !== undefined)
      return { formats: SCHEMA_FORMATS.includes(format) ? SCHEMA_FORMATS : [format], media: mediaOf(format) }
    if (range === V2_JSON) return { formats: ['binary'], media: V2_JSON }
    if (acceptable.has(range)) return { formats: ['binary'], media: mediaOf('binary') }
  }
  return NOT_ACCEPTABLE
}
