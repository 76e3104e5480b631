// Options normalized as Confluent's registry does it: custom ones carry their full names, and those that set parts of one
// message — `(a).b = 1, (a).c = 2` — become one value.

import { type Field, mapOf, type OptionValue, type ProtoOption, SCALARS } from './file.ts'
import type { Types } from './types.ts'

/** Parts of one value; merging takes their square. */
const MAX_MERGED = 1_000

type MapValue = OptionValue & { readonly kind: 'map' }

/** By name, in alphabetical order; options of one name that are not parts of one message stay in theirs. */
export function normalizeOptions(options: readonly ProtoOption[], types: Types, scope: string): ProtoOption[] {
  const named = options.map(option => {
    const extension = option.custom ? types.extension(option.name, scope) : undefined
    if (extension === undefined) return { option, extension }
    return { option: { ...option, name: extension.fullName, value: asMap(option.value) }, extension }
  })
  const groups = Map.groupBy(
    named.sort((a, b) => compareText(a.option.name, b.option.name)),
    ({ option }) => option.name,
  )
  return [...groups.values()].flatMap(group => {
    const extension = group[0]!.extension
    const staysApart = extension === undefined || extension.field.label === 'repeated' || group.length > MAX_MERGED
    if (staysApart) return group.map(({ option }) => option)
    const { field, scope: within } = extension
    return [
      group
        .map(({ option }) => option)
        .reduce((a, b) => ({ ...b, value: merge(a.value, b.value, field, within, types) })),
    ]
  })
}

const compareText = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1)

/** `(a).b = 1` says the same as `(a) = { b: 1 }`. */
function asMap(value: OptionValue): OptionValue {
  return value.kind === 'option' ? { kind: 'map', entries: [[value.option.name, asMap(value.option.value)]] } : value
}

/** `field` is what both are values of, as far as it is known, in a message that is looked up from `scope`. */
function merge(a: OptionValue, b: OptionValue, field: Field | undefined, scope: string, types: Types): OptionValue {
  if (a.kind !== 'map' || b.kind !== 'map') return b
  const type =
    field === undefined || mapOf(field.type) !== undefined || SCALARS.has(field.type)
      ? undefined
      : types.resolve(field.type, scope)
  const message = type?.kind === 'message' ? type : undefined
  const entries = new Map(a.entries)
  for (const [key, value] of b.entries) {
    const before = entries.get(key)
    const inner = message?.byName.get(key)
    const isOne = inner !== undefined && inner.label !== 'repeated'
    if (before === undefined || (isOne && (before.kind !== 'map' || value.kind !== 'map'))) entries.set(key, value)
    else if (isOne) entries.set(key, merge(before, value, inner, message!.fullName, types))
    else entries.set(key, { kind: 'list', items: [...itemsOf(before), ...itemsOf(value)] })
  }
  return { kind: 'map', entries: [...entries] } satisfies MapValue
}

export const itemsOf = (value: OptionValue): readonly OptionValue[] => (value.kind === 'list' ? value.items : [value])

/** Without what does not change the number: 1.0, 0x1 and 01 are 1. */
export function normalizeNumber(text: string): string {
  const [, sign = '', digits = ''] = /^(-?)(.*)$/.exec(text)!
  const value = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits)
  if (!Number.isFinite(value)) return text
  if (/^\d+$/.test(digits) && !digits.startsWith('0')) return text
  // As Java's DecimalFormat: three digits after the point, no powers of ten.
  const rounded = Number.isInteger(value) ? BigInt(value).toString() : String(Number(value.toFixed(3)))
  return `${sign}${rounded}`
}
