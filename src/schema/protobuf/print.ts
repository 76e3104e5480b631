// A .proto file as text, laid out as Confluent's registry does: without comments, every part in its place. Normalized,
// types carry their full names, fields stand by number, and options by name.

import {
  type Enum,
  type Extend,
  type ExtensionRange,
  type Field,
  mapOf,
  MAX_TAG,
  type Message,
  type OptionValue,
  type ProtoFile,
  type ProtoOption,
  type Reserved,
  type Rpc,
  SCALARS,
  type Service,
} from './file.ts'
import { normalizeNumber, normalizeOptions } from './options.ts'
import type { Types } from './types.ts'

/** Without `types` as written. */
export function printProto(file: ProtoFile, types?: Types): string {
  return new Printer(types).file(file)
}

class Printer {
  readonly #types: Types | undefined
  #scope = ''

  constructor(types: Types | undefined) {
    this.#types = types
  }

  file(file: ProtoFile): string {
    const normalizes = this.#types !== undefined
    this.#scope = file.package
    const imports = (names: readonly string[]): readonly string[] => (normalizes ? [...new Set(names)].sort() : names)
    return [
      file.syntax !== undefined && (!normalizes || file.syntax === 'proto3') ? `syntax = "${file.syntax}";\n` : '',
      file.package === '' ? '' : `package ${file.package};\n`,
      section([
        ...imports(file.imports).map(name => `import "${name}";\n`),
        ...imports(file.publicImports).map(name => `import public "${name}";\n`),
      ]),
      section(this.#optionLines(file.options)),
      section(this.#typeLines(file.types)),
      section(this.#extends(file.extends)),
      section(file.services.map(service => this.#service(service))),
    ].join('')
  }

  #typeLines(types: readonly (Message | Enum)[]): string[] {
    return [
      ...types.filter(type => type.kind === 'message').map(type => this.#message(type)),
      ...types.filter(type => type.kind === 'enum').map(type => this.#enum(type)),
    ]
  }

  #message(message: Message): string {
    const outer = this.#scope
    this.#scope = outer === '' ? message.name : `${outer}.${message.name}`
    const byTag = (fields: readonly Field[]): readonly Field[] =>
      this.#types === undefined ? fields : [...fields].sort((a, b) => a.tag - b.tag)
    const oneOfs = message.oneOfs.map(oneOf => ({ ...oneOf, fields: byTag(oneOf.fields) }))
    const ordered =
      this.#types === undefined
        ? oneOfs
        : oneOfs.filter(({ fields }) => fields.length > 0).sort((a, b) => a.fields[0]!.tag - b.fields[0]!.tag)
    const body = [
      section(this.#reserved(message.reserved), true),
      section(this.#optionLines(message.options), true),
      section(
        byTag(message.fields).map(field => this.#field(field)),
        true,
      ),
      section(
        ordered.map(
          ({ name, fields, options }) =>
            `oneof ${name} {${section(this.#optionLines(options), true)}` +
            `${section(
              fields.map(field => this.#field(field)),
              true,
            )}}\n`,
        ),
        true,
      ),
      section(this.#extensions(message.extensions), true),
      section(this.#extends(message.extends), true),
      section(this.#typeLines(message.types), true),
    ].join('')
    this.#scope = outer
    return `message ${message.name} {${body}}\n`
  }

  #enum(type: Enum): string {
    // By number as in Confluent's registry, but for 0, which proto3 wants first.
    const place = (tag: number): number => (tag === 0 ? -Infinity : tag)
    const constants =
      this.#types === undefined
        ? type.constants
        : [...type.constants].sort((a, b) =>
            a.tag === b.tag ? (a.name < b.name ? -1 : 1) : place(a.tag) - place(b.tag),
          )
    const reserved = this.#reserved(type.reserved)
    const lines = [
      ...reserved,
      ...this.#optionLines(type.options),
      ...constants.map(({ name, tag, options }) => `${name} = ${tag}${this.#bracketed(options)};\n`),
    ]
    return `enum ${type.name} {${section(lines, true)}}\n`
  }

  #field(field: Field): string {
    const map = mapOf(field.type)
    const label = field.label === undefined || (map !== undefined && this.#types !== undefined) ? '' : `${field.label} `
    const type = map === undefined ? this.#type(field.type) : `map<${map[0]}, ${this.#type(map[1])}>`
    const special = new Set(['default', 'json_name'])
    const isSpecial = (option: ProtoOption): boolean => !option.custom && special.has(option.name)
    const options = [
      ...field.options.filter(option => !isSpecial(option)),
      ...field.options.filter(isSpecial).sort((a, b) => (a.name < b.name ? -1 : 1)),
    ]
    return `${label}${type} ${field.name} = ${field.tag}${this.#bracketed(options)};\n`
  }

  #type(name: string): string {
    if (this.#types === undefined || SCALARS.has(name)) return name
    return `.${this.#types.resolve(name, this.#scope)?.fullName ?? name}`
  }

  #extends(extend: readonly Extend[]): string[] {
    const blocks = extend.map(({ name, fields }) => ({ name: this.#type(name), fields }))
    // Normalized, one block for each message that is extended.
    const grouped =
      this.#types === undefined
        ? blocks
        : [...Map.groupBy(blocks, ({ name }) => name)].map(([name, same]) => ({
            name,
            fields: same.flatMap(({ fields }) => fields).sort((a, b) => a.tag - b.tag),
          }))
    return grouped.map(({ name, fields }) => {
      const lines = fields.map(field => this.#field(field))
      return `extend ${name} {${section(lines, true)}}\n`
    })
  }

  #service(service: Service): string {
    const lines = section(
      service.rpcs.map(rpc => this.#rpc(rpc)),
      true,
    )
    return `service ${service.name} {${section(this.#optionLines(service.options), true)}${lines}}\n`
  }

  #rpc(rpc: Rpc): string {
    const side = (type: string, streams: boolean): string => `(${streams ? 'stream ' : ''}${this.#type(type)})`
    const options = this.#optionLines(rpc.options)
    const body = options.length === 0 ? '' : ` {${section(options, true)}}`
    return `rpc ${rpc.name} ${side(rpc.request, rpc.requestStreams)} returns ${side(rpc.response, rpc.responseStreams)}${body};\n`
  }

  #reserved(reserved: readonly (readonly Reserved[])[]): string[] {
    return this.#ranges(reserved).map(line => `reserved ${line.map(item => this.#range(item)).join(', ')};\n`)
  }

  #extensions(extensions: readonly ExtensionRange[]): string[] {
    return extensions.flatMap(({ ranges, options }) =>
      this.#ranges([ranges]).map(
        line => `extensions ${line.map(item => this.#range(item)).join(', ')}${this.#bracketed(options)};\n`,
      ),
    )
  }

  /** Normalized, each has a line of its own: numbers before names. */
  #ranges(lines: readonly (readonly Reserved[])[]): readonly (readonly Reserved[])[] {
    if (this.#types === undefined) return lines
    const start = (item: Reserved): number =>
      typeof item === 'string' ? MAX_TAG + 1 : typeof item === 'number' ? item : item[0]
    return lines
      .flat()
      .sort((a, b) => start(a) - start(b) || (String(a) < String(b) ? -1 : 1))
      .map(item => [item])
  }

  #range(item: Reserved): string {
    if (typeof item === 'string') return `"${item}"`
    if (typeof item === 'number') return String(item)
    const [first, last] = item
    if (this.#types !== undefined && first === last) return String(first)
    return `${first} to ${last < MAX_TAG ? last : 'max'}`
  }

  #ordered(options: readonly ProtoOption[]): readonly ProtoOption[] {
    return this.#types === undefined ? options : normalizeOptions(options, this.#types, this.#scope)
  }

  #optionLines(options: readonly ProtoOption[]): string[] {
    return this.#ordered(options).map(option => `option ${this.#option(option)};\n`)
  }

  #bracketed(options: readonly ProtoOption[]): string {
    if (options.length === 0) return ''
    return ` ${listed(this.#ordered(options).map(option => this.#option(option)))}`
  }

  #option({ name, custom, value }: ProtoOption): string {
    const shown = custom ? `(${name})` : name
    switch (value.kind) {
      case 'option':
        return `${shown}.${this.#option(value.option)}`
      case 'map':
        return `${shown} = ${this.#value(value)}`
      case 'list':
        return `${shown} = ${listed(value.items.map(item => this.#value(item)))}`
      default:
        return `${shown} = ${this.#value(value)}`
    }
  }

  #entries(entries: readonly (readonly [string, OptionValue])[]): readonly (readonly [string, OptionValue])[] {
    const types = this.#types
    if (types === undefined) return entries
    const named = entries.map(([key, value]) => {
      const extension = key.startsWith('[') ? types.extension(key.slice(1, -1), this.#scope) : undefined
      return [extension === undefined ? key : `[${extension.fullName}]`, value] as const
    })
    return named
      .filter(([, value]) => value.kind !== 'list' || value.items.length > 0)
      .sort(([a], [b]) => (a === b ? 0 : a < b ? -1 : 1))
  }

  #value(value: OptionValue): string {
    switch (value.kind) {
      case 'string':
        return `"${escape(value.text)}"`
      case 'map': {
        const entries = this.#entries(value.entries)
        return `{\n${indented(commas(entries.map(([key, item]) => `${key}: ${this.#value(item)}`)))}}`
      }
      case 'list':
        if (this.#types !== undefined && value.items.length === 1) return this.#value(value.items[0]!)
        return `[\n${indented(commas(value.items.map(item => this.#value(item))))}]`
      case 'option':
        return this.#option(value.option)
      default:
        return value.kind === 'number' && this.#types !== undefined ? normalizeNumber(value.text) : value.text
    }
  }
}

const commas = (lines: readonly string[]): string[] =>
  lines.map((line, index) => `${line}${index < lines.length - 1 ? ',' : ''}\n`)

/** Empty lines too, as Confluent's registry: the texts must be equal. */
const indented = (lines: readonly string[]): string => lines.join('').replace(/^(?=[^])/gm, '  ')

/** A block of lines, if there are any, after an empty line or the brace before it. */
function section(lines: readonly string[], inside = false): string {
  if (lines.length === 0) return ''
  return `\n${inside ? indented(lines) : lines.join('')}`
}

function listed(items: readonly string[]): string {
  return items.length === 1 ? `[${items[0]!}]` : `[\n${indented(commas(items))}]`
}

const ESCAPES: Record<string, string> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
}

const escape = (text: string): string => Array.from(text, character => ESCAPES[character] ?? character).join('')
