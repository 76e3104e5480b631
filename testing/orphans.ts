// workerd outlives the process that started it if that one is killed outright, and keeps its ports. So each workerd gets a
// shell that reads from a pipe held open by this process alone, and ends workerd once the pipe does.

import { type ChildProcess, spawn } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'

/** From now until the returned function is called, every workerd that this process starts ends with it. */
export function endWithThisProcess(): () => void {
  if (process.platform === 'win32') return () => {}
  const watchers = new Set<ChildProcess>()
  const started = (message: unknown): void => {
    const { process: child } = message as { process: ChildProcess }
    child.once('spawn', () => {
      if (!child.spawnfile.includes('workerd') || child.pid === undefined) return
      const watcher = spawn('/bin/sh', ['-c', 'trap "" INT TERM HUP; read -r _; kill -9 "$0"', String(child.pid)], {
        stdio: ['pipe', 'ignore', 'ignore'],
      })
      watcher.unref()
      watchers.add(watcher)
      child.once('exit', () => {
        watcher.kill('SIGKILL')
        watchers.delete(watcher)
      })
    })
  }
  subscribe('child_process', started)
  return () => {
    unsubscribe('child_process', started)
    for (const watcher of watchers) watcher.kill('SIGKILL')
  }
}
