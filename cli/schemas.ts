// `edgelog schemas`: the Schema Registry, by the routes that Confluent's clients use.

import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { EdgelogError } from '../client/index.ts'
import { Failed } from './failed.ts'
import { print, printJson, printTable } from './print.ts'
import { part, Remote } from './remote.ts'

interface Version {
  readonly subject: string
  readonly version: number
  readonly id: number
  readonly schemaType?: string
  readonly schema: string
}

const TYPE = 'application/vnd.schemaregistry.v1+json'
const LEVELS = ['NONE', 'BACKWARD', 'BACKWARD_TRANSITIVE', 'FORWARD', 'FORWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE']

export function addSchemas(program: Command): void {
  const schemas = program.command('schemas').description('list, show, register and check schemas')
  const typed = (command: Command): Command =>
    command.addOption(
      new Option('-t, --type <type>', 'what it is written in').choices(['AVRO', 'JSON', 'PROTOBUF']).default('AVRO'),
    )
  schemas
    .command('list')
    .description('list the subjects and their versions')
    .action(async (_, command: Command) => {
      const remote = Remote.of(command)
      const subjects = await ask<string[]>(remote, 'GET', 'subjects')
      const all = []
      for (const subject of subjects)
        all.push({ subject, versions: await ask<number[]>(remote, 'GET', `subjects/${part(subject)}/versions`) })
      if (remote.json) return printJson(all)
      const rows = all.map(({ subject, versions }) => [subject, versions.join(', ')])
      printTable(['SUBJECT', 'VERSIONS'], rows, 'There are no schemas yet.')
    })
  schemas
    .command('get')
    .description('show a schema: the newest of its subject, a version of it, or by id')
    .argument('<subject>', 'a subject, or a number: the id of a schema')
    .argument('[version]', 'one of its versions', 'latest')
    .action(async (subject: string, version: string, _, command: Command) => {
      const remote = Remote.of(command)
      const path = /^\d+$/.test(subject)
        ? `schemas/ids/${subject}`
        : `subjects/${part(subject)}/versions/${part(version)}`
      const found = await ask<Version>(remote, 'GET', path)
      if (remote.json) return printJson(found)
      print(found.schema)
    })
  typed(schemas.command('register').description('register a schema under a subject'))
    .argument('<subject>')
    .argument('<file>', 'the schema; - for standard input')
    .action(async (subject: string, file: string, { type }, command: Command) => {
      const remote = Remote.of(command)
      const body = { schemaType: type, schema: readFileSync(file === '-' ? 0 : file, 'utf8') }
      const { id } = await ask<{ id: number }>(remote, 'POST', `subjects/${part(subject)}/versions`, body)
      if (remote.json) printJson({ id })
      else print(`${subject} has it, as id ${id}.`)
    })
  typed(schemas.command('check').description('is a schema compatible with what its subject has?'))
    .argument('<subject>')
    .argument('<file>', 'the schema; - for standard input')
    .action(async (subject: string, file: string, { type }, command: Command) => {
      const remote = Remote.of(command)
      const body = { schemaType: type, schema: readFileSync(file === '-' ? 0 : file, 'utf8') }
      const path = `compatibility/subjects/${part(subject)}/versions?verbose=true`
      const told = await ask<{ is_compatible: boolean; messages?: string[] }>(remote, 'POST', path, body)
      if (remote.json) printJson(told)
      else for (const message of told.messages ?? []) print(message)
      if (!told.is_compatible) throw new Failed(`It is not compatible with ${subject}.`)
      if (!remote.json) print(`It is compatible with ${subject}.`)
    })
  schemas
    .command('config')
    .description('show, or set, how schemas must go together')
    .argument('[subject]', 'all of them, if left out')
    .addOption(new Option('--set <level>').choices(LEVELS))
    .action(async (subject: string | undefined, { set }, command: Command) => {
      const remote = Remote.of(command)
      const path = subject === undefined ? 'config' : `config/${part(subject)}`
      const told =
        set === undefined
          ? await ask<object>(remote, 'GET', subject === undefined ? path : `${path}?defaultToGlobal=true`)
          : await ask<object>(remote, 'PUT', path, { compatibility: set })
      if (remote.json) printJson(told)
      else print(String(Object.values(told)[0]))
    })
  schemas
    .command('delete')
    .description('delete a subject, or one version of it')
    .argument('<subject>')
    .argument('[version]')
    .option('--permanent', 'for good: it must have been deleted before')
    .action(async (subject: string, version: string | undefined, { permanent }, command: Command) => {
      const remote = Remote.of(command)
      const path = `subjects/${part(subject)}${version === undefined ? '' : `/versions/${part(version)}`}`
      const told = await ask<unknown>(remote, 'DELETE', permanent ? `${path}?permanent=true` : path)
      if (remote.json) printJson(told)
      else print(`Deleted ${[told].flat().join(', ')} of ${subject}.`)
    })
}

/** The registry has error codes of its own. */
async function ask<T>(remote: Remote, method: string, path: string, body?: unknown): Promise<T> {
  const response = await remote.fetch(path, {
    method,
    headers: { accept: TYPE, ...(body === undefined ? {} : { 'content-type': TYPE }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const told = (await response.json().catch(() => undefined)) as
    | { error_code?: number; message?: string; code?: string; detail?: string }
    | undefined
  if (response.ok) return told as T
  if (told?.code !== undefined) throw new EdgelogError(told)
  throw new Failed(
    told?.message === undefined ? `The registry answered ${response.status}.` : `${told.message} (${told.error_code})`,
  )
}
