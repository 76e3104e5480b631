// The broker that is measured: `npm start` in a process of its own, on free ports and a fresh folder.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Process {
  readonly pid: number
  readonly parent: number
  readonly command: string
  /** Resident in memory. */
  readonly bytes: number
  readonly cpuSeconds: number
}

export class Target {
  readonly http: URL
  /** The port of Kafka's protocol. */
  readonly kafka: number
  readonly folder: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, http: URL, kafka: number, folder: string) {
    this.#child = child
    this.http = http
    this.kafka = kafka
    this.folder = folder
  }

  /** `configs`: of the broker, as the environment has them. */
  static async start(configs: Readonly<Record<string, string>> = {}): Promise<Target> {
    const folder = mkdtempSync(join(tmpdir(), 'edgelog-bench-'))
    const child = spawn('npm', ['--silent', 'start'], {
      env: { ...process.env, EDGELOG_HTTP_PORT: '0', EDGELOG_KAFKA_PORT: '0', EDGELOG_DATA: folder, ...configs },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    const up = new Promise<void>(resolve => {
      child.stdout.on('data', (text: Buffer) => {
        said += String(text)
        if (said.includes('Ctrl-C')) resolve()
      })
    })
    await Promise.race([up, once(child, 'exit')])
    const url = /HTTP +(http:\S+)/.exec(said)?.[1]
    const kafka = /Kafka +localhost:(\d+)/.exec(said)?.[1]
    if (url === undefined || kafka === undefined) throw new Error(`The broker did not start: ${said}`)
    // Whatever ends the bench ends the broker.
    const kill = (): unknown => child.kill('SIGTERM')
    process.once('exit', kill)
    child.once('exit', () => process.off('exit', kill))
    return new Target(child, new URL(url), Number(kafka), folder)
  }

  /** What the broker runs, node and workerd. */
  processes(): Process[] {
    const listed = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,rss=,time=,comm='], { encoding: 'utf8' })
    const processes = listed
      .trim()
      .split('\n')
      .map(line => line.trim().split(/\s+/))
      .map(([pid, parent, kilobytes, time, command]) => ({
        pid: Number(pid),
        parent: Number(parent),
        // Node names its first thread so.
        command: command === 'MainThread' ? 'node' : (command ?? ''),
        bytes: Number(kilobytes) * 1024,
        cpuSeconds: seconds(time ?? ''),
      }))
    const family = new Set([this.#child.pid])
    for (const { pid, parent } of processes.toSorted((a, b) => a.pid - b.pid)) if (family.has(parent)) family.add(pid)
    return processes.filter(({ pid }) => family.has(pid) && pid !== this.#child.pid)
  }

  async topic(name: string): Promise<void> {
    await this.#call('POST', '/v1/topics', JSON.stringify({ name, partitions: 1 }))
  }

  async forget(topic: string): Promise<void> {
    await this.#call('DELETE', `/v1/topics/${topic}`)
  }

  async #call(method: string, path: string, body?: string): Promise<void> {
    const answer = await fetch(new URL(path, this.http), {
      method,
      ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
    })
    if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`)
    await answer.arrayBuffer()
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    if (this.#child.exitCode === null) await once(this.#child, 'exit')
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** `[[days-]hours:]minutes:seconds`, as ps writes it. */
function seconds(time: string): number {
  const [clock = '', days = '0'] = time.split('-').toReversed()
  return clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) + Number(days) * 86_400
}
