// What went wrong, as one sentence that says what to do.

import { EdgelogError } from '../client/door.ts'

/** What a command says when it cannot go on; exit code 2 where it was asked wrongly. */
export class Failed extends Error {
  readonly exitCode: 1 | 2

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

export function sentence(error: unknown): string {
  if (!(error instanceof EdgelogError)) return error instanceof Error ? aboutFile(error) : String(error)
  switch (error.code) {
    case 'NETWORK_EXCEPTION':
      return `The broker cannot be reached (${reasonOf(error)}). Is it running? \`edgelog dev\` starts one here; --url, EDGELOG_URL or a profile say where else to look.`
    case 'SASL_AUTHENTICATION_FAILED':
      return `${error.message} Give it with --token, EDGELOG_TOKEN or a profile.`
    case 'UNKNOWN_SERVER_ERROR':
      return error.message
    default:
      return `${error.message} (${error.code})`
  }
}

/** What the system says of files, in words. */
function aboutFile({ code, path, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ENOENT':
      return path === undefined ? message : `There is no file ${path}.`
    case 'EISDIR':
      return 'That is a folder, not a file.'
    case 'EACCES':
      return path === undefined ? message : `${path} may not be opened.`
    default:
      return message
  }
}

/** `ECONNREFUSED`, say: the innermost reason. */
function reasonOf(error: unknown): string {
  let inner = error
  while (inner instanceof Error && inner.cause !== undefined) inner = inner.cause
  const { code, message } = inner as NodeJS.ErrnoException
  return code ?? message
}
