// `edgelog produce`: records from lines, of a file or of whatever is piped in.

import { createReadStream, fstatSync, type ReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { type Command, Option } from 'commander'
import type { NewRecord } from '../client/index.ts'
import { Failed } from './failed.ts'
import { count } from './parse.ts'
import { bar, counted, print, remark } from './print.ts'
import { Remote } from './remote.ts'

/** Lines handed over together. */
const TOGETHER = 500
const PROGRESS_MS = 200

type Format = 'text' | 'json' | 'base64'

interface Options {
  readonly file?: string
  readonly format: Format
  readonly keySeparator?: string
  readonly records?: boolean
  readonly partition?: number
}

export function addProduce(program: Command): void {
  program
    .command('produce')
    .description('write records: a line each, from standard input or a file')
    .argument('<topic>')
    .option('-f, --file <file>', 'lines of this file')
    .addOption(new Option('--format <format>', 'what a value is').choices(['text', 'json', 'base64']).default('text'))
    .option('-K, --key-separator <text>', 'what stands between key and value: `key:value`')
    .option('-r, --records', 'lines are whole records as JSON: {"key":…,"value":…,"headers":…}')
    .option('-p, --partition <partition>', 'all of them go there', count)
    .action(async (topic: string, options: Options, command: Command) => {
      const remote = Remote.of(command)
      await remote.reached()
      const input = options.file === undefined ? process.stdin : createReadStream(options.file)
      if (options.file === undefined && process.stdin.isTTY) remark('A record a line; Ctrl-D ends.')
      const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
      const formats = { format: options.records ? 'json' : options.format, keyFormat: 'text' } as const
      // People see each line go; what is piped goes together.
      const together = process.stdin.isTTY && options.file === undefined ? 1 : TOGETHER
      const progress = new Progress(input)
      let sent = 0
      let records: NewRecord[] = []
      const send = async (): Promise<void> => {
        const batch = records
        records = []
        await remote.client.send(topic, batch, formats)
        sent += batch.length
        progress.show(sent)
      }
      let number = 0
      for await (const line of lines) {
        number++
        if (options.records && line.trim() === '') continue
        records.push(recordOf(line, number, options))
        if (records.length >= together) await send()
      }
      if (records.length > 0) await send()
      await remote.client.close()
      progress.clear()
      if (remote.json) print(JSON.stringify({ topic, records: sent }))
      else remark(`${counted(sent, 'record')} written to ${topic}.`)
    })
}

function recordOf(line: string, number: number, { records, format, keySeparator, partition }: Options): NewRecord {
  const where = partition === undefined ? {} : { partition }
  if (records) {
    const record = parsed(line, number)
    if (record === null || typeof record !== 'object' || !('value' in record))
      throw new Failed(`Line ${number} is no record: it needs a value, like {"value":1}.`)
    return { ...(record as NewRecord), ...where }
  }
  const at = keySeparator === undefined ? -1 : line.indexOf(keySeparator)
  if (keySeparator !== undefined && at < 0)
    throw new Failed(`Line ${number} has no "${keySeparator}" between key and value.`)
  const key = at < 0 ? {} : { key: line.slice(0, at) }
  const text = at < 0 ? line : line.slice(at + keySeparator!.length)
  return { ...key, value: format === 'json' ? parsed(text, number) : text, ...where }
}

function parsed(text: string, number: number): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Failed(`Line ${number} is not JSON: ${(error as Error).message}`)
  }
}

/** How far it is, for people who watch: a bar where the size of the input is known. */
class Progress {
  #shownMs = 0
  readonly #isShown: boolean
  readonly #input: { readonly fd?: number | null; readonly bytesRead?: number }

  constructor(input: ReadStream | typeof process.stdin) {
    this.#input = input
    this.#isShown = process.stderr.isTTY && !('isTTY' in input && input.isTTY)
  }

  show(records: number): void {
    const nowMs = Date.now()
    if (!this.#isShown || nowMs - this.#shownMs < PROGRESS_MS) return
    this.#shownMs = nowMs
    process.stderr.write(`\r${bar(counted(records, 'record'), this.#share(), process.stderr.columns)}`)
  }

  clear(): void {
    if (this.#isShown) process.stderr.write('\r\u001B[K')
  }

  /** Undefined for pipes, which do not tell their size. */
  #share(): number | undefined {
    const { fd, bytesRead } = this.#input
    const size = typeof fd === 'number' && bytesRead !== undefined ? fstatSync(fd).size : 0
    return size === 0 ? undefined : bytesRead! / size
  }
}
