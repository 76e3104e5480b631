// The broker that a command is for: where it is and who calls, from the options, the environment, or a profile.

import type { Command } from 'commander'
import { unreachable } from '../client/door.ts'
import { Edgelog } from '../client/index.ts'
import { type Profile, readConfig } from './config.ts'
import { Failed } from './failed.ts'

export const LOCAL = 'http://127.0.0.1:8787'

export interface Globals {
  readonly url?: string
  readonly token?: string
  readonly profile?: string
  readonly json?: boolean
}

export function profileOf({ url, token, profile: name }: Globals): Profile {
  const { profiles, current } = readConfig()
  const wanted = name ?? process.env['EDGELOG_PROFILE'] ?? current
  const profile = wanted === undefined ? undefined : profiles[wanted]
  if (wanted !== undefined && profile === undefined)
    throw new Failed(`There is no profile "${wanted}"; \`edgelog profiles list\` shows those there are.`, 2)
  // A token is for the broker of its profile, and for no other.
  const other = url ?? process.env['EDGELOG_URL']
  const chosenToken = token ?? process.env['EDGELOG_TOKEN'] ?? (other === undefined ? profile?.token : undefined)
  return {
    url: checked(other ?? profile?.url ?? LOCAL),
    ...(chosenToken === undefined ? {} : { token: chosenToken }),
  }
}

export class Remote {
  readonly url: string
  readonly token: string | undefined
  readonly json: boolean
  readonly client: Edgelog

  constructor(globals: Globals) {
    const { url, token } = profileOf(globals)
    this.url = url
    this.token = token
    this.json = globals.json ?? false
    this.client = new Edgelog(url, token === undefined ? {} : { token })
  }

  static of(command: Command): Remote {
    return new Remote(command.optsWithGlobals<Globals>())
  }

  /** The client tries for two minutes, as a program wants it; whoever types wants to know at once that nobody is there. */
  async reached(): Promise<void> {
    await this.client.call('healthz')
  }

  get<T>(path: string): Promise<T> {
    return this.client.call<T>(path)
  }

  send<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    return this.client.call<T>(path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  }

  /** For answers that are not JSON. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const authorization = this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }
    const headers = { ...(init.headers as object), ...authorization }
    return fetch(new URL(path, `${this.url}/`), { ...init, headers }).catch((cause: unknown) => {
      throw unreachable('The broker could not be reached.', cause)
    })
  }
}

export function checked(url: string): string {
  if (!/^(https?|wss?):\/\/./.test(url) || !URL.canParse(url))
    throw new Failed(`"${url}" is no address of a broker: it begins with http:// or https://.`, 2)
  return url.replace(/^ws/, 'http').replace(/\/+$/, '')
}

/** A part of a path. */
export const part = encodeURIComponent
