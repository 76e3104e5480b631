// The parameters that routes share, each checked and described in one place.

import * as z from 'zod'
import { askedFormats, formats } from './formats.ts'
import { MAX_PARTITION } from './records-in.ts'

interface IntegerOptions {
  readonly min?: number
  readonly max?: number
  readonly preset?: number
  readonly description: string
}

/** An integer in a path or query: digits only, so that 1e3, 0x10 or an empty text are none. */
export function integer({ min = 0, max = Number.MAX_SAFE_INTEGER, preset, description }: IntegerOptions) {
  const sentence = `must be an integer from ${min} to ${max}`
  return z
    .string(sentence)
    .regex(/^-?\d{1,16}$/, sentence)
    .transform(Number)
    .refine(value => value >= min && value <= max, sentence)
    .meta({
      type: 'integer',
      minimum: min,
      maximum: max,
      description,
      ...(preset === undefined ? {} : { default: preset }),
    })
}

export const oneOf = <const T extends readonly [string, ...string[]]>(values: T, description: string) =>
  z.enum(values, `must be one of ${values.join(', ')}`).meta({ description })

export const topicParam = z.string().meta({ description: "The topic's name.", example: 'orders' })
export const partitionParam = integer({ max: MAX_PARTITION, description: 'The partition, counted from 0.' })

export const formatParams = {
  format: oneOf(formats, 'How values are written: any JSON value, text, or base64.').default('json'),
  keyFormat: oneOf(formats, 'How keys are written.').default('text'),
}

export const isolationParam = oneOf(
  ['read_uncommitted', 'read_committed'],
  'With read_committed, nothing of transactions that were aborted, and nothing beyond the first that is open.',
).optional()

const SCHEMA = 'schema: JSON of what the schema registry’s serializers make of it.'

/** The same, where the schema registry has its say. */
export const schemaFormatParams = {
  format: oneOf(askedFormats, `How values are written: any JSON value, text, or base64; ${SCHEMA}`).default('json'),
  keyFormat: oneOf(askedFormats, 'How keys are written.').default('text'),
}

export const nothing = z.object({})
