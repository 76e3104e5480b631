// What a state machine is here: a coordinator that decides and replays and does no I/O. Its state is what its compacted
// log says, as in Kafka; objects/shard.ts is the one host that stores facts, answers callers and keeps time.

/** The caller of one command. A caller that has no reply yet is parked under its ticket until a later turn replies. */
export type Ticket = number

/** A fact is a record: a later one of the same key replaces it, a null value removes it. `encode` says which key and value. */
export interface Fact {
  /** Replayed but never stored: a restart forgets it (heartbeats, parked callers, attempts). */
  readonly volatile?: true
}

export interface FactRecord {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
}

export interface Outcome<F extends Fact, Reply> {
  readonly facts: readonly F[]
  readonly replies: readonly (readonly [Ticket, Reply])[]
}

/** Several states of one machine may share a log, a group each, say: `of` is the name of the state a fact belongs to. */
export interface Machine<State, Command, F extends Fact, Reply> {
  empty(of: string): State
  /** Reads the state, never writes it. */
  decide(state: State, command: Command, ticket: Ticket, nowMs: number): Outcome<F, Reply>
  /** The one writer of the state: each fact as it is decided, and every stored fact again at start. */
  replay(state: State, fact: F): void
  /** What fell due by now: sessions that ended, rebalances that waited long enough. */
  tick(state: State, nowMs: number): Outcome<F, Reply>
  /** When `tick` is next worth calling, ms; undefined if time alone changes nothing. */
  deadline(state: State): number | undefined
  /** Nothing is left to remember: the host may drop the state until the next command. */
  isEmpty(state: State): boolean
  encode(fact: F, of: string): FactRecord
  /** Undefined for a record that this version does not know: left in the log, and out of the state. */
  decode(record: FactRecord): { readonly of: string; readonly fact: F } | undefined
}
