// Reads a .proto file of proto2 or proto3. Groups and editions are refused; services and options are kept, for they are
// part of the text.

import { Invalid } from '../json-text.ts'
import {
  type Enum,
  type EnumConstant,
  type Extend,
  type ExtensionRange,
  type Field,
  MAX_TAG,
  type Message,
  type OneOf,
  type ProtoFile,
  type ProtoOption,
  type Reserved,
  type Rpc,
  type Service,
  type Type,
} from './file.ts'
import { parseOption } from './parse-options.ts'
import { Tokens } from './tokens.ts'

const LABELS = new Set(['optional', 'required', 'repeated'])

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] }

/** Throws Invalid, which names the line. */
export function parseProto(text: string): ProtoFile {
  return new Parser(text).file()
}

class Parser {
  readonly #tokens: Tokens

  constructor(text: string) {
    this.#tokens = new Tokens(text)
  }

  file(): ProtoFile {
    const file: Mutable<ProtoFile> = {
      syntax: undefined,
      package: '',
      imports: [],
      publicImports: [],
      options: [],
      types: [],
      extends: [],
      services: [],
    }
    const tokens = this.#tokens
    if (tokens.accept('edition')) throw new Invalid('editions are not supported: use proto2 or proto3')
    if (tokens.accept('syntax')) {
      tokens.expect('=')
      const syntax = tokens.string()
      if (syntax !== 'proto2' && syntax !== 'proto3') throw new Invalid(`unknown syntax: ${syntax.slice(0, 50)}`)
      file.syntax = syntax
      tokens.expect(';')
    }
    while (tokens.peek().kind !== 'end') {
      if (tokens.accept(';')) continue
      if (tokens.accept('package')) {
        if (file.package !== '') tokens.fail('one package only')
        file.package = this.#tokens.name()
        tokens.expect(';')
      } else if (tokens.accept('import')) {
        const imports = tokens.accept('public') ? file.publicImports : file.imports
        tokens.accept('weak')
        imports.push(tokens.string())
        tokens.expect(';')
      } else if (tokens.accept('option')) file.options.push(this.#optionStatement())
      else if (tokens.accept('service')) file.services.push(this.#service())
      else if (tokens.accept('extend')) file.extends.push(this.#extend())
      else file.types.push(this.#type() ?? tokens.fail('message, enum, service, extend, import, option or package'))
    }
    return file
  }

  #type(): Type | undefined {
    if (this.#tokens.is('message') && this.#tokens.peek(2).text === '{') {
      this.#tokens.next()
      return this.#message()
    }
    if (this.#tokens.is('enum') && this.#tokens.peek(2).text === '{') {
      this.#tokens.next()
      return this.#enum()
    }
    return undefined
  }

  #message(): Message {
    const tokens = this.#tokens
    const message: Mutable<Message> = {
      kind: 'message',
      name: this.#tokens.simpleName(),
      fields: [],
      oneOfs: [],
      reserved: [],
      extensions: [],
      extends: [],
      options: [],
      types: [],
    }
    this.#tokens.inside(() => {
      tokens.expect('{')
      while (!tokens.accept('}')) {
        if (tokens.accept(';')) continue
        const second = tokens.peek(1)
        const type = this.#type()
        if (type !== undefined) message.types.push(type)
        else if (tokens.is('option') && second.text !== '.') {
          tokens.next()
          message.options.push(this.#optionStatement())
        } else if (tokens.is('oneof') && tokens.peek(2).text === '{') message.oneOfs.push(this.#oneOf())
        else if (tokens.is('reserved') && (second.kind === 'number' || second.kind === 'string')) {
          message.reserved.push(this.#reserved())
        } else if (tokens.is('extensions') && second.kind === 'number') message.extensions.push(this.#extensions())
        else if (tokens.is('extend') && tokens.peek(2).text !== '=') {
          tokens.next()
          message.extends.push(this.#extend())
        } else message.fields.push(this.#field())
      }
    })
    return message
  }

  #field(): Field {
    const tokens = this.#tokens
    const { text } = tokens.peek()
    const label = LABELS.has(text) && tokens.peek(1).text !== '=' ? (tokens.next().text as Field['label']) : undefined
    if (tokens.is('group') && tokens.peek(2).text === '=') throw new Invalid('groups are not supported: use a message')
    const type = this.#fieldType()
    const name = this.#tokens.simpleName()
    tokens.expect('=')
    const tag = tokens.integer()
    if (tag < 1 || tag > MAX_TAG || (tag >= 19_000 && tag <= 19_999)) {
      throw new Invalid(`${name}: ${tag} is not a number a field can have`)
    }
    const options = this.#options()
    tokens.expect(';')
    return { label, type, name, tag, options }
  }

  #fieldType(): string {
    const tokens = this.#tokens
    if (!tokens.is('map') || tokens.peek(1).text !== '<') return this.#tokens.name()
    tokens.next()
    tokens.expect('<')
    const key = this.#tokens.name()
    tokens.expect(',')
    const value = this.#tokens.name()
    tokens.expect('>')
    return `map<${key}, ${value}>`
  }

  #oneOf(): OneOf {
    const tokens = this.#tokens
    tokens.next()
    const oneOf: Mutable<OneOf> = { name: this.#tokens.simpleName(), fields: [], options: [] }
    tokens.expect('{')
    while (!tokens.accept('}')) {
      if (tokens.accept(';')) continue
      if (tokens.is('option') && tokens.peek(1).text !== '.') {
        tokens.next()
        oneOf.options.push(this.#optionStatement())
      } else oneOf.fields.push(this.#field())
    }
    return oneOf
  }

  #enum(): Enum {
    const tokens = this.#tokens
    const type: Mutable<Enum> = {
      kind: 'enum',
      name: this.#tokens.simpleName(),
      constants: [],
      reserved: [],
      options: [],
    }
    tokens.expect('{')
    while (!tokens.accept('}')) {
      if (tokens.accept(';')) continue
      if (tokens.is('option') && tokens.peek(1).text !== '=') {
        tokens.next()
        type.options.push(this.#optionStatement())
      } else if (tokens.is('reserved') && tokens.peek(1).text !== '=') type.reserved.push(this.#reserved())
      else type.constants.push(this.#constant())
    }
    return type
  }

  #constant(): EnumConstant {
    const name = this.#tokens.simpleName()
    this.#tokens.expect('=')
    const tag = this.#tokens.integer()
    if (tag !== (tag | 0)) throw new Invalid(`${name}: ${tag} is not a number a constant can have`)
    const options = this.#options()
    this.#tokens.expect(';')
    return { name, tag, options }
  }

  #extend(): Extend {
    const extend: Mutable<Extend> = { name: this.#tokens.name(), fields: [] }
    this.#tokens.expect('{')
    while (!this.#tokens.accept('}')) if (!this.#tokens.accept(';')) extend.fields.push(this.#field())
    return extend
  }

  #reserved(): Reserved[] {
    this.#tokens.next()
    const reserved: Reserved[] = []
    do reserved.push(this.#tokens.peek().kind === 'string' ? this.#tokens.string() : this.#range())
    while (this.#tokens.accept(','))
    this.#tokens.expect(';')
    return reserved
  }

  #extensions(): ExtensionRange {
    this.#tokens.next()
    const ranges: Reserved[] = []
    do ranges.push(this.#range())
    while (this.#tokens.accept(','))
    const options = this.#options()
    this.#tokens.expect(';')
    return { ranges, options }
  }

  #range(): Reserved {
    const first = this.#tokens.integer()
    if (!this.#tokens.accept('to')) return first
    return [first, this.#tokens.accept('max') ? MAX_TAG : this.#tokens.integer()]
  }

  #service(): Service {
    const tokens = this.#tokens
    const service: Mutable<Service> = { name: this.#tokens.simpleName(), rpcs: [], options: [] }
    tokens.expect('{')
    while (!tokens.accept('}')) {
      if (tokens.accept(';')) continue
      if (tokens.accept('option')) service.options.push(this.#optionStatement())
      else if (tokens.accept('rpc')) service.rpcs.push(this.#rpc())
      else tokens.fail('rpc or option')
    }
    return service
  }

  #rpc(): Rpc {
    const tokens = this.#tokens
    const side = (): readonly [type: string, streams: boolean] => {
      tokens.expect('(')
      const streams = tokens.is('stream') && tokens.peek(1).text !== ')' && tokens.accept('stream')
      const type = this.#tokens.name()
      tokens.expect(')')
      return [type, streams]
    }
    const name = this.#tokens.simpleName()
    const [request, requestStreams] = side()
    tokens.expect('returns')
    const [response, responseStreams] = side()
    const options: ProtoOption[] = []
    if (tokens.accept('{')) {
      while (!tokens.accept('}')) {
        if (tokens.accept(';')) continue
        tokens.expect('option')
        options.push(this.#optionStatement())
      }
      tokens.accept(';')
    } else tokens.expect(';')
    return { name, request, requestStreams, response, responseStreams, options }
  }

  #optionStatement(): ProtoOption {
    const option = parseOption(this.#tokens)
    this.#tokens.expect(';')
    return option
  }

  /** In brackets, after a field or constant. */
  #options(): ProtoOption[] {
    const options: ProtoOption[] = []
    if (!this.#tokens.accept('[')) return options
    do options.push(parseOption(this.#tokens))
    while (this.#tokens.accept(','))
    this.#tokens.expect(']')
    return options
  }
}
