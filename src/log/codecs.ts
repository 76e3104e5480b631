// The names of Kafka's compression codecs, for those who read headers and need none of the code in compression.ts.

/** In the order of their ids in a batch's attributes. */
export const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Codec = (typeof codecs)[number]
