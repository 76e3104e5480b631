// Commits that come through a live WebSocket: answered in the order they came, each with the id it came with.

import { type Failure, failure } from '../../protocol/errors.ts'
import { recordError } from '../problem.ts'
import type { ClientFrame } from './client-frames.ts'
import type { LiveGroup } from './group.ts'

/** Commits without an answer yet. */
const MAX_IN_FLIGHT = 100

export interface LiveCommitterOptions {
  /** Undefined: this is no member of a group. */
  readonly group: Pick<LiveGroup, 'commit'> | undefined
  /** Of offsets that do not say. */
  readonly topic: string | undefined
  answer(text: string): void
}

export class LiveCommitter {
  readonly #options: LiveCommitterOptions
  #answered: Promise<unknown> = Promise.resolve()
  #inFlight = 0

  constructor(options: LiveCommitterOptions) {
    this.#options = options
  }

  commit(frame: Extract<ClientFrame, { type: 'commit' }>): void {
    const committed = this.#inFlight < MAX_IN_FLIGHT ? this.#commit(frame) : Promise.resolve(TOO_MANY)
    const answered = this.#answered
    this.#inFlight++
    this.#answered = committed
      .catch((error: unknown) => failure('UNKNOWN_SERVER_ERROR', String(error)))
      .then(async failed => {
        await answered
        this.#inFlight--
        const error = failed && `,"error":${JSON.stringify(recordError(failed))}`
        this.#options.answer(`{"type":"committed","id":${frame.id}${error ?? ''}}`)
      })
  }

  async #commit({ offsets }: Extract<ClientFrame, { type: 'commit' }>): Promise<Failure | undefined> {
    const { group, topic: preset } = this.#options
    if (group === undefined)
      return failure('INVALID_REQUEST', 'Only members of a group commit: connect with ?group= and its name.')
    const named = offsets.map(({ topic = preset, ...offset }) => ({ topic, ...offset }))
    if (!named.every(hasTopic)) return failure('INVALID_REQUEST', 'Each offset must say its topic.')
    return group.commit(named)
  }
}

const hasTopic = <T extends { readonly topic: string | undefined }>(
  offset: T,
): offset is T & { readonly topic: string } => offset.topic !== undefined

const TOO_MANY = failure('THROTTLING_QUOTA_EXCEEDED', `${MAX_IN_FLIGHT} commits are unanswered; wait for some of them.`)
