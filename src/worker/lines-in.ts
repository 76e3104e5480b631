// A stream of lines as the records they are, piece by piece, up to the first line that is none.

import { isUtf8 } from 'node:buffer'
import { BodyLost, chunksOf, NotOpened } from './body.ts'
import type { RecordFormat } from './formats.ts'
import { type Block, LineTooLong, Lines } from './lines.ts'
import { isMalformed, type Malformed } from './malformed.ts'
import { type Draft, parseRecord, parseRecordAt, type RecordOptions } from './records-in.ts'

/** The largest value in base64, with room for the rest of its record. */
const MAX_LINE_BYTES = 25_165_824
const NEWLINE = 0x0a

/** The records of a piece of the stream, and why it goes no further. */
export interface Piece {
  readonly drafts: readonly Draft[]
  readonly stopped?: Malformed
  /** It stopped short of what its sender had in mind: the same stream may come again, and go further. */
  readonly isCutOff?: true
}

/** How lines are written; those without a timestamp get the time at which they came. */
type LineOptions = RecordFormat & Pick<RecordOptions, 'partition'>

export async function* readPieces(stream: ReadableStream<Uint8Array>, options: LineOptions): AsyncGenerator<Piece> {
  const lines = new Lines(MAX_LINE_BYTES)
  const parser = new LineParser(options)
  try {
    for await (const chunk of chunksOf(stream)) {
      const piece = parser.parse(lines.push(chunk))
      if (piece.drafts.length > 0 || piece.stopped) yield piece
      if (piece.stopped) return
    }
    const last = lines.finish()
    const piece = last && parser.parse([last])
    if (piece && (piece.drafts.length > 0 || piece.stopped)) yield piece
  } catch (error) {
    if (error instanceof LineTooLong) yield { drafts: [], stopped: parser.stop(error.message, true) }
    else if (error instanceof NotOpened) yield { drafts: [], stopped: parser.stop(error.message) }
    else if (error instanceof BodyLost)
      yield { drafts: [], stopped: parser.stop('The body ended too early'), isCutOff: true }
    else throw error
  }
}

class LineParser {
  readonly #options: LineOptions
  #line = 0
  #record = 0

  constructor(options: LineOptions) {
    this.#options = options
  }

  /** The records of these lines, up to the first that is none. */
  parse(blocks: readonly Block[]): Piece {
    const options = { ...this.#options, now: Date.now() }
    const drafts: Draft[] = []
    for (const { bytes, start, end } of blocks) {
      const isText = isUtf8(bytes.subarray(start, end))
      for (let at = start; at < end;) {
        const newline = bytes.indexOf(NEWLINE, at)
        const stop = newline < 0 || newline > end ? end : newline
        this.#line++
        if (!isBlank(bytes, at, stop)) {
          const draft =
            (isText ? parseRecordAt(bytes, at, stop, options) : undefined) ?? this.#careful(bytes, at, stop, options)
          if (isMalformed(draft)) return { drafts, stopped: draft }
          drafts.push(draft)
          this.#record++
        }
        at = stop + 1
      }
    }
    return { drafts }
  }

  stop(malformed: string, tooMany = false): Malformed {
    return { malformed, record: this.#record, line: this.#line + 1, ...(tooMany ? { tooMany } : {}) }
  }

  #careful(bytes: Uint8Array, start: number, end: number, options: RecordOptions): Draft | Malformed {
    const draft = parseRecord(bytes.subarray(start, end), options)
    if (!isMalformed(draft)) return draft
    const { position: _, ...wrong } = draft
    return { ...wrong, record: this.#record, line: this.#line }
  }
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false
  }
  return true
}
