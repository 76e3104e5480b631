// Kafka's compression codecs, synchronous: gzip and zstd from the platform, snappy and lz4 from the files beside this one.
// Whatever comes out is bounded by the caller, so that a small batch cannot blow up into all memory.

import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { type Failure, failure } from '../protocol/errors.ts'
import { lz4Compress, lz4Decompress } from './lz4.ts'
import { TooLarge } from './matches.ts'
import { snappyCompress, snappyDecompress } from './snappy.ts'

/** In the order of their ids in a batch's attributes. */
export const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Codec = (typeof codecs)[number]

/** The result may be a view of a larger buffer. */
export function compress(codec: Codec, bytes: Uint8Array): Uint8Array {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return plain(gzipSync(bytes))
    case 'zstd':
      return plain(zstdCompressSync(bytes))
    case 'snappy':
      return snappyCompress(bytes)
    case 'lz4':
      return lz4Compress(bytes)
  }
}

/** What was compressed, at most `maxBytes` of it; more is MESSAGE_TOO_LARGE, anything unreadable CORRUPT_MESSAGE. */
export function decompress(codec: Codec, bytes: Uint8Array, maxBytes: number): Uint8Array | Failure {
  try {
    switch (codec) {
      case 'none':
        return bytes.length > maxBytes ? tooLarge(maxBytes) : bytes
      case 'gzip':
        return unzip(gunzipSync, bytes, maxBytes)
      case 'zstd':
        return unzip(zstdDecompressSync, bytes, maxBytes)
      case 'snappy':
        return snappyDecompress(bytes, maxBytes)
      case 'lz4':
        return lz4Decompress(bytes, maxBytes)
    }
  } catch (thrown) {
    if (thrown instanceof TooLarge) return tooLarge(maxBytes)
    return failure('CORRUPT_MESSAGE', `These bytes are not ${codec}.`)
  }
}

type Unzip = (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array

/** What workerd's output buffer grows by at least. */
const BUFFER_STEP_BYTES = 65_536
/** The largest limit that workerd takes. */
const MAX_LIMIT_BYTES = 134_217_728

/**
 * Node and workerd fail differently: what they share is a RangeError at the limit. workerd judges the
 * buffer it grew, up to twice what is in it, so it gets room and what came out is measured here; nothing at all is valid
 * zstd to workerd only.
 */
function unzip(open: Unzip, bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (bytes.length === 0) throw new RangeError('no bytes')
  let opened: Uint8Array
  try {
    opened = open(bytes, { maxOutputLength: Math.min(2 * maxBytes + BUFFER_STEP_BYTES, MAX_LIMIT_BYTES) })
  } catch (thrown) {
    throw thrown instanceof RangeError ? new TooLarge() : thrown
  }
  if (opened.length > maxBytes) throw new TooLarge()
  return plain(opened)
}

const tooLarge = (maxBytes: number): Failure =>
  failure('MESSAGE_TOO_LARGE', `Decompressed, the batch is larger than ${maxBytes} bytes.`)

/** A Buffer is a Uint8Array with habits of its own (toString, slice, JSON); inside there are only Uint8Arrays. */
const plain = (buffer: Uint8Array): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
