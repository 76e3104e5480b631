// The schema registry as a state machine: subjects and their versions, ids, compatibility, configs and modes, as Confluent's
// registry has them. It decides one command at a time; what may be asked of it is registry/queries.ts, how a schema is
// registered registry/register.ts, and what its log holds registry/records.ts.

import type { Machine, Outcome, Ticket } from '../machine.ts'
import { checkRuleSet } from './registry/metadata.ts'
import { deleteContext, deleteSubject, deleteVersion } from './registry/deletion.ts'
import { Parser } from './registry/parsing.ts'
import { aliased, answer, type RegistryAnswers, type RegistryQuery } from './registry/queries.ts'
import { decodeFact, encodeFact } from './registry/records.ts'
import { isRefusal, type Refusal, refusals } from './registry/refusals.ts'
import { register, type Registration } from './registry/register.ts'
import { changeConfig, changeMode, type ConfigChange, deleteConfig, deleteMode } from './registry/settings.ts'
import {
  compatibilityLevels,
  emptyRegistry,
  type Mode,
  modes,
  type RegistryConfig,
  type RegistryFact,
  type RegistryState,
  replay,
  type SchemaVersion,
} from './registry/state.ts'
import { isValidSubject } from './registry/subjects.ts'

export type { SchemaRequest } from './registry/register.ts'
export { isRefusal, type Refusal, refusals } from './registry/refusals.ts'
export type { Filter, RegistryAnswers, RegistryQuery } from './registry/queries.ts'
export type { ConfigChange } from './registry/settings.ts'
export type { RegistryConfig, RegistryFact, RegistryState, SchemaVersion } from './registry/state.ts'

/** Subjects are normalized (registry/subjects.ts); '' stands for all. */
export type RegistryCommand =
  | ({ readonly type: 'register' } & Registration)
  | { readonly type: 'deleteSubject'; readonly subject: string; readonly permanent: boolean }
  | {
      readonly type: 'deleteVersion'
      readonly subject: string
      readonly version: number
      readonly permanent: boolean
    }
  | { readonly type: 'changeConfig'; readonly subject: string; readonly change: ConfigChange }
  | { readonly type: 'deleteConfig'; readonly subject: string }
  | { readonly type: 'changeMode'; readonly subject: string; readonly mode: string; readonly force: boolean }
  | { readonly type: 'deleteMode'; readonly subject: string; readonly recursive: boolean }
  | { readonly type: 'deleteContext'; readonly context: string }
  | RegistryQuery

export interface RegistryReplies extends RegistryAnswers {
  register: SchemaVersion
  /** The versions, or version, that are deleted now. */
  deleteSubject: readonly number[]
  deleteVersion: number
  /** What is said now. */
  changeConfig: RegistryConfig
  /** What was said. */
  deleteConfig: RegistryConfig
  changeMode: Mode
  deleteMode: Mode | undefined
  deleteContext: null
}

export type RegistryReply = RegistryReplies[keyof RegistryReplies] | Refusal

type Decision = readonly [readonly RegistryFact[], RegistryReply] | Refusal

export function registryMachine(): Machine<RegistryState, RegistryCommand, RegistryFact, RegistryReply> {
  const parser = new Parser()
  return {
    empty: emptyRegistry,
    decide: (state, command, ticket) => outcome(ticket, decide(state, parser, command)),
    replay,
    tick: () => ({ facts: [], replies: [] }),
    deadline: () => undefined,
    isEmpty: () => false,
    encode: encodeFact,
    decode(record) {
      const fact = decodeFact(record)
      return fact && { of: '', fact }
    },
  }
}

const outcome = (ticket: Ticket, decision: Decision): Outcome<RegistryFact, RegistryReply> =>
  isRefusal(decision)
    ? { facts: [], replies: [[ticket, decision]] }
    : { facts: decision[0], replies: [[ticket, decision[1]]] }

function decide(state: RegistryState, parser: Parser, command: RegistryCommand): Decision {
  switch (command.type) {
    case 'register': {
      const wrong = checkRuleSet(command.request.ruleSet)
      if (wrong !== undefined) return refusals.invalidRuleSet(wrong)
      return register(state, parser, { ...command, subject: aliased(state, command.subject) })
    }
    case 'deleteSubject':
      return deleteSubject(state, aliased(state, command.subject), command.permanent)
    case 'deleteVersion':
      return deleteVersion(state, aliased(state, command.subject), command.version, command.permanent)
    case 'changeConfig':
      return checkChange(command.subject, command.change) ?? kept(changeConfig(state, command.subject, command.change))
    case 'deleteConfig':
      return kept(deleteConfig(state, command.subject))
    case 'changeMode': {
      const { subject, force } = command
      const mode = modes.find(known => known === command.mode.toUpperCase())
      if (!isValidSubject(subject, true)) return refusals.invalidSubject(subject)
      if (mode === undefined) return refusals.invalidMode()
      const facts = changeMode(state, subject, mode, force)
      return isRefusal(facts) ? facts : [facts, mode]
    }
    case 'deleteMode':
      return deleteMode(state, command.subject, command.recursive)
    case 'deleteContext': {
      const facts = deleteContext(state, command.context)
      return isRefusal(facts) ? facts : [facts, null]
    }
    default:
      return [[], answer(state, parser, command)]
  }
}

const kept = (done: readonly [RegistryFact, RegistryConfig] | Refusal): Decision =>
  isRefusal(done) ? done : [[done[0]], done[1]]

function checkChange(subject: string, change: ConfigChange): Refusal | undefined {
  const { compatibilityLevel: level } = change
  if (level != null && !compatibilityLevels.includes(level)) return refusals.invalidCompatibility()
  const wrong = checkRuleSet(change.defaultRuleSet ?? undefined) ?? checkRuleSet(change.overrideRuleSet ?? undefined)
  if (wrong !== undefined) return refusals.invalidRuleSet(wrong)
  return isValidSubject(subject, true) ? undefined : refusals.invalidSubject(subject)
}
