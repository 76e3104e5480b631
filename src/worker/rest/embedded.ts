// Keys and values as the REST Proxy's bodies hold them: base64 (BINARY), any JSON (JSON) or text (STRING), as bytes of a
// record. Those that need a schema are not these.

import { fromBase64 } from '../formats.ts'
import { JsonReader } from '../json.ts'
import { type RestFailure, restFailure } from './errors.ts'

export type PlainType = 'BINARY' | 'JSON' | 'STRING'

/** As much of wrong data as is said back. */
const MAX_SHOWN = 100
const QUOTE = 0x22
const NULL = 0x6e

/** `data` is JSON text, without white space around it; null stays null. */
export function embed(type: PlainType, data: Uint8Array): Uint8Array | null | RestFailure {
  if (data[0] === NULL) return null
  if (type === 'JSON') return data
  const text = data[0] === QUOTE ? new JsonReader(data).stringBytes() : null
  if (text === null) return wrong(data, type === 'BINARY' ? 'a base64 string' : 'a string')
  if (type === 'STRING') return text
  return fromBase64(text) ?? wrong(data, 'a valid base64 string')
}

function wrong(data: Uint8Array, expected: string): RestFailure {
  const text = new TextDecoder().decode(data.subarray(0, MAX_SHOWN))
  return badRequest(`data=${data.length > MAX_SHOWN ? `${text}…` : text} is not ${expected}.`)
}

export const badRequest = (detail: string): RestFailure => restFailure(400, `Bad Request: ${detail}`)
