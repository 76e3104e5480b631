// workerd outlives the process that started it if that one is killed outright, and keeps its ports. So each workerd gets a
// shell that reads from a pipe held open by this process alone, and ends workerd once the pipe does.

import { type ChildProcess, spawn } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'

const END_WITH_PIPE = 'trap "" INT TERM HUP; read -r _; kill -9 "$0"'

let watching = false

/** From now on every workerd that this process starts ends with it. */
export function leaveNoOrphans(): void {
  if (watching || process.platform === 'win32') return
  watching = true
  subscribe('child_process', message => {
    const { process: child } = message as { process: ChildProcess }
    child.once('spawn', () => {
      if (child.pid === undefined || !child.spawnfile.includes('workerd')) return
      const watcher = spawn('/bin/sh', ['-c', END_WITH_PIPE, String(child.pid)], {
        stdio: ['pipe', 'ignore', 'ignore'],
      })
      watcher.unref()
      child.once('exit', () => watcher.kill('SIGKILL'))
    })
  })
}
