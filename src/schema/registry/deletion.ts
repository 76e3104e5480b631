// Deleting versions, subjects and contexts: softly first, which hides them, then for good. What others refer to stays.

import { type Refusal, refusals } from './refusals.ts'
import { readOnly } from './settings.ts'
import {
  hasSubject,
  idsKept,
  type RegistryFact,
  type RegistryState,
  referrerKey,
  type SchemaVersion,
  versionOf,
  versionsOf,
} from './state.ts'
import { qualified } from './subjects.ts'

type Deleted<T> = readonly [readonly RegistryFact[], T] | Refusal

/** The versions that were deleted. */
export function deleteSubject(state: RegistryState, subject: string, permanent: boolean): Deleted<readonly number[]> {
  if (!hasSubject(state, subject, true)) return refusals.subjectNotFound(subject)
  if (!permanent && !hasSubject(state, subject, false)) return refusals.subjectSoftDeleted(subject)
  const refused = readOnly(state, subject)
  if (refused !== undefined) return refused
  const gone = versionsOf(state, subject).filter(({ deleted }) => permanent || !deleted)
  for (const version of gone) {
    if (referringSubjects(state, version, permanent).some(other => other !== subject))
      return refusals.referenceExists(subject, version.version)
    if (permanent && !version.deleted) return refusals.subjectNotSoftDeleted(subject)
  }
  const versions = gone.map(({ version }) => version)
  // Up to the last of all: this record takes the place of an earlier one, which may have reached further.
  const last = versionsOf(state, subject).at(-1)?.version ?? 0
  if (!permanent) return [[{ type: 'deleteSubject', subject, version: last }], versions]
  return [[...idsKept(state), ...gone.toReversed().map(removed), ...settingsRemoved(state, subject)], versions]
}

/** The version that was deleted. */
export function deleteVersion(
  state: RegistryState,
  subject: string,
  asked: number,
  permanent: boolean,
): Deleted<number> {
  const schema = versionOf(state, subject, asked, { deleted: true })
  if (schema === undefined)
    return hasSubject(state, subject, true) ? refusals.versionNotFound(asked) : refusals.subjectNotFound(subject)
  const { version } = schema
  if (!permanent && schema.deleted) return refusals.versionSoftDeleted(subject, version)
  const refused = readOnly(state, subject)
  if (refused !== undefined) return refused
  if (referrersOf(state, schema, permanent).length > 0) return refusals.referenceExists(subject, version)
  if (permanent && !schema.deleted) return refusals.versionNotSoftDeleted(subject, version)
  if (!permanent) return [[{ type: 'schema', subject, version, schema: { ...schema, deleted: true } }], version]
  const last = state.subjects.get(subject)!.size === 1
  return [[...idsKept(state), removed(schema), ...(last ? settingsRemoved(state, subject) : [])], version]
}

export function deleteContext(state: RegistryState, context: string): readonly RegistryFact[] | Refusal {
  if (hasSubject(state, context, true)) return refusals.contextNotEmpty(context)
  return [{ type: 'context', context: qualified(context).context, known: false }]
}

/** The schemas that refer to this one, those only softly deleted, too, with `deleted`. */
export function referrersOf(
  state: RegistryState,
  { subject, version }: SchemaVersion,
  deleted: boolean,
): readonly { readonly context: string; readonly id: number }[] {
  const all = [...(state.referrers.get(referrerKey(subject, version))?.values() ?? [])]
  return all.filter(({ context, id }) => registeredAs(state, context, id, deleted).length > 0)
}

/** Where a schema is registered. */
export function registeredAs(state: RegistryState, context: string, id: number, deleted: boolean): SchemaVersion[] {
  return [...(state.contexts.get(context)?.ids.get(id) ?? [])].flatMap(([subject, version]) => {
    const found = versionOf(state, subject, version, { deleted })
    return found === undefined ? [] : [found]
  })
}

const referringSubjects = (state: RegistryState, version: SchemaVersion, deleted: boolean): readonly string[] =>
  referrersOf(state, version, deleted).flatMap(({ context, id }) =>
    registeredAs(state, context, id, deleted).map(({ subject }) => subject),
  )

const removed = ({ subject, version }: SchemaVersion): RegistryFact => ({
  type: 'schema',
  subject,
  version,
  schema: null,
})

const settingsRemoved = (state: RegistryState, subject: string): readonly RegistryFact[] => [
  ...(state.modes.has(subject) ? [{ type: 'mode', subject, mode: null } as const] : []),
  ...(state.configs.has(subject) ? [{ type: 'config', subject, config: null } as const] : []),
]
