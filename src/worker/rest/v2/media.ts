// The content types of the REST Proxy's v2: its own for everything, and one for each format that records may come in.

export const V2_JSON = 'application/vnd.kafka.v2+json'

export const embeddedFormats = ['binary', 'json', 'avro', 'jsonschema', 'protobuf'] as const
export type EmbeddedFormat = (typeof embeddedFormats)[number]

export const mediaOf = (format: EmbeddedFormat): string => `application/vnd.kafka.${format}.v2+json`
