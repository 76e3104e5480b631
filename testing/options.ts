// What can be said of a broker that is started on this machine.

export interface LaunchOptions {
  /** Ports on 127.0.0.1; 0, the default, takes a free one. Several Kafka ports are as many brokers to Kafka's clients. */
  readonly http?: number
  readonly kafka?: number | readonly number[]
  /** The folder that keeps everything. Without one the broker forgets: a temporary folder goes when it closes. */
  readonly data?: string
  /** Settings of the Worker (src/worker/env.ts). EDGELOG_LOCAL is '1' unless set otherwise: every door is open. */
  readonly vars?: Readonly<Record<string, string>>
  /** What the Worker logs, and what workerd says of it; standard error by default. */
  readonly log?: (level: string, message: string) => void
}
