// Kafka's compression codecs, synchronous: gzip and zstd from the platform, snappy and lz4 from the files beside this one.
// Whatever comes out is bounded by the caller, so that a small batch cannot blow up into all memory.

import { constants, createZstdCompress, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { type Failure, failure } from '../protocol/errors.ts'
import { type Codec, codecs } from './codecs.ts'
import { lz4Compress, lz4Decompress } from './lz4.ts'
import { TooLarge } from './matches.ts'
import { snappyCompress, snappyDecompress } from './snappy.ts'

export { type Codec, codecs }

/** Beyond this zstd takes tens of megabytes and much time for little. */
const MAX_ZSTD_LEVEL = 9

/** The result may be a view of a larger buffer. `level` is how hard gzip and zstd try; snappy and lz4 have one level. */
export function compress(codec: Codec, bytes: Uint8Array, level?: number): Uint8Array {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return plain(level === undefined ? gzipSync(bytes) : gzipSync(bytes, { level }))
    case 'zstd':
      return zstd(bytes, level)
    case 'snappy':
      return snappyCompress(bytes)
    case 'lz4':
      return lz4Compress(bytes)
  }
}

/**
 * workerd's zstdCompressSync fails with what comes out larger than its first 64 KiB, and so does its stream when it needs a
 * second buffer; so a stream gets one that is large enough, and is asked for everything at once, as zlib's own sync
 * functions ask theirs. Only then: what a stream holds outside of the heap waits for the collector.
 */
function zstd(bytes: Uint8Array, level: number = constants.ZSTD_CLEVEL_DEFAULT): Uint8Array {
  const params = { [constants.ZSTD_c_compressionLevel]: Math.min(level, MAX_ZSTD_LEVEL) }
  try {
    return plain(zstdCompressSync(bytes, { params }))
  } catch {
    const chunkSize = bytes.length + (bytes.length >> 7) + 1_024
    const stream = createZstdCompress({ params, chunkSize }) as unknown as {
      _processChunk(bytes: Uint8Array, flush: number): Uint8Array
    }
    // oxlint-disable-next-line eslint/no-underscore-dangle -- the name that zlib gives it
    return plain(stream._processChunk(bytes, constants.ZSTD_e_end))
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
