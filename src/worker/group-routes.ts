// /v1/groups: list, look at and delete groups, and change their offsets while nobody is in them.

import * as z from 'zod'
import { type Failure, isFailure } from '../protocol/errors.ts'
import { type App, route } from './app.ts'
import { commitOffsets, forgetOffsets, resetOffsets, type Wrong } from './group-offsets.ts'
import {
  groupParam,
  groupSchema,
  listedGroupsSchema,
  MAX_OFFSETS,
  namedOffsetsSchema,
  names,
  newOffsetsSchema,
  offsetsSchema,
  resetDoneSchema,
  resetSchema,
} from './group-schemas.ts'
import { committedBy, viewGroup, viewOffsets } from './group-view.ts'
import { readChecked } from './json-body.ts'
import { nothing } from './parameters.ts'
import { badRequest, problem } from './problem.ts'

/** Groups in one answer. */
const MAX_LISTED_GROUPS = 10_000

const STATES = ['Empty', 'PreparingRebalance', 'CompletingRebalance', 'Assigning', 'Reconciling', 'Stable', 'Dead']
const TYPES = ['classic', 'consumer']

const params = z.object({ group: groupParam })
const tag = 'Groups'
const json = (schema: z.ZodType) => ({ 'application/json': { schema } })
const oneTopic = z.object({ topic: z.string().optional().meta({ description: "One topic's offsets only." }) })

export function mountGroups(app: App): void {
  mountGroup(app)
  mountOffsets(app)
  mountReset(app)
}

function mountGroup(app: App): void {
  route(
    app,
    {
      method: 'get',
      path: '/v1/groups',
      tag,
      summary: 'List the groups',
      params: nothing,
      query: z.object({
        state: names(
          STATES,
          `Groups in one of these states only: ${STATES.join(', ')}; separated by commas.`,
        ).optional(),
        type: names(TYPES, `Groups of these protocols only: ${TYPES.join(', ')}.`).optional(),
        after: z.string().default('').meta({ description: 'Groups whose id comes after this one only.' }),
      }),
      answers: {
        200: {
          description: `Groups by id, ${MAX_LISTED_GROUPS} at most.`,
          content: json(listedGroupsSchema),
        },
      },
    },
    async (c, { query: { state, type, after } }) => {
      const listed = await c.var.broker.groups.list()
      if (isFailure(listed)) return problem(listed)
      const groups = listed
        .filter(group => group.groupId > after || after === '')
        .filter(group => (state?.includes(group.state) ?? true) && (type?.includes(group.type) ?? true))
        .map(({ groupId, state, type, protocolType }) => ({ group: groupId, state, type, protocolType }))
      const shown = groups.slice(0, MAX_LISTED_GROUPS)
      return c.json({ groups: shown, ...(shown.length < groups.length ? { next: shown.at(-1)!.group } : {}) })
    },
  )
  route(
    app,
    {
      method: 'get',
      path: '/v1/groups/{group}',
      tag,
      summary: 'Look at a group: its members, its offsets and its lag',
      description: `Of more than ${MAX_OFFSETS} offsets, the rest come without their end and lag.`,
      params,
      query: nothing,
      answers: { 200: { description: 'The group.', content: json(groupSchema) } },
    },
    async (c, { params: { group } }) => {
      const view = await viewGroup(c.var.broker, group)
      if (isFailure(view)) return problem(view)
      const offsets = await viewOffsets(c.var.broker, view)
      return isFailure(offsets) ? problem(offsets) : c.json({ ...view, ...offsets })
    },
  )
  route(
    app,
    {
      method: 'delete',
      path: '/v1/groups/{group}',
      tag,
      summary: 'Delete a group and its offsets',
      description: 'Refused with `NON_EMPTY_GROUP` while it has members.',
      params,
      query: nothing,
      answers: { 204: { description: 'It is gone.' } },
    },
    async (c, { params: { group } }) => {
      const refused = await c.var.broker.groups.ask(group, { type: 'delete' })
      return refused === null ? c.body(null, 204) : refuse(refused)
    },
  )
}

function mountOffsets(app: App): void {
  const path = '/v1/groups/{group}/offsets'
  route(
    app,
    {
      method: 'get',
      path,
      tag,
      summary: "A group's offsets and lag",
      description: `Of more than ${MAX_OFFSETS} offsets, the rest come without their end and lag: ask by \`topic\`.`,
      params,
      query: oneTopic,
      answers: { 200: { description: 'By topic and partition.', content: json(offsetsSchema) } },
    },
    async (c, { params: { group }, query: { topic } }) => {
      const view = await viewGroup(c.var.broker, group)
      if (isFailure(view)) return problem(view)
      const offsets = await viewOffsets(c.var.broker, view, topic)
      return isFailure(offsets) ? problem(offsets) : c.json(offsets)
    },
  )
  route(
    app,
    {
      method: 'put',
      path,
      tag,
      summary: 'Commit offsets for a group',
      description:
        'All of them or, if one is wrong, none; others stay. A group that is not there begins so. Refused with `NON_EMPTY_GROUP` while it has members.',
      params,
      query: nothing,
      body: json(newOffsetsSchema),
      answers: { 204: { description: 'They are committed.' } },
    },
    async (c, { params: { group } }) => {
      const asked = await readChecked(c.req.raw, newOffsetsSchema)
      if (asked instanceof Response) return asked
      const wrong = await commitOffsets(c.var.broker, group, asked.offsets)
      return wrong === undefined ? c.body(null, 204) : refuse(wrong)
    },
  )
  route(
    app,
    {
      method: 'delete',
      path,
      tag,
      summary: 'Forget committed offsets of a group',
      description:
        'Those in the body or, without one, all of `topic`. Offsets of topics that members read stay, with `GROUP_SUBSCRIBED_TO_TOPIC`; the others are forgotten.',
      params,
      query: oneTopic,
      body: json(namedOffsetsSchema),
      bodyIsOptional: true,
      answers: { 204: { description: 'They are forgotten, as far as they were there.' } },
    },
    async (c, { params: { group }, query: { topic } }) => {
      const { broker } = c.var
      let offsets: readonly { readonly topic: string; readonly partition: number }[]
      if (topic === undefined) {
        const asked = await readChecked(c.req.raw, namedOffsetsSchema)
        if (asked instanceof Response) return asked
        offsets = asked.offsets
      } else {
        if (c.req.header('content-type') !== undefined)
          return badRequest('Name offsets in the body or a topic in the query, not both.', { field: 'topic' })
        const committed = await committedBy(broker, group)
        if (isFailure(committed)) return problem(committed)
        offsets = committed.filter(entry => entry.topic === topic)
      }
      const wrong = await forgetOffsets(broker, group, offsets)
      return wrong === undefined ? c.body(null, 204) : refuse(wrong)
    },
  )
}

function mountReset(app: App): void {
  route(
    app,
    {
      method: 'post',
      path: '/v1/groups/{group}/offsets/reset',
      tag,
      summary: 'Move the offsets of a group',
      description:
        'As `kafka-consumer-groups.sh --reset-offsets` does. All of them or, if one is wrong, none. Refused with `NON_EMPTY_GROUP` while the group has members, dry run or not.',
      params,
      query: nothing,
      body: json(resetSchema),
      answers: { 200: { description: 'What was committed, and what is now.', content: json(resetDoneSchema) } },
    },
    async (c, { params: { group } }) => {
      const asked = await readChecked(c.req.raw, resetSchema)
      if (asked instanceof Response) return asked
      const moved = await resetOffsets(c.var.broker, group, asked, Date.now())
      return isFailure(moved) ? refuse(moved) : c.json({ dryRun: asked.dryRun, offsets: moved })
    },
  )
}

const refuse = (wrong: Failure | Wrong): Response =>
  problem(wrong, 'field' in wrong ? { members: { field: wrong.field } } : {})
