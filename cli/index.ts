#!/usr/bin/env node
// `edgelog`: the command line. Every command is a file of its own; here they come together, and what goes wrong becomes one
// sentence and an exit code: 1 where it was refused or failed, 2 where it was asked wrongly.

import { Command, CommanderError } from 'commander'
import { addBench } from './bench.ts'
import { addCluster } from './cluster.ts'
import { addCompletion } from './completion.ts'
import { addConnections } from './connections.ts'
import { addConsume } from './consume.ts'
import { addDeploy } from './deploy.ts'
import { addDev } from './dev.ts'
import { Failed, sentence } from './failed.ts'
import { addGroups } from './groups.ts'
import { addOffsets } from './offsets.ts'
import { addProduce } from './produce.ts'
import { addProfiles } from './profiles.ts'
import { addSchemas } from './schemas.ts'
import { addSegments } from './segments.ts'
import { addTopics } from './topics.ts'
import { addTunnel } from './tunnel.ts'
import { version } from './version.ts'

const program = new Command('edgelog')
  .description('An event log that speaks Kafka and HTTP: run it, look into it, write to it and read from it.')
  .version(version)
  .option('--url <url>', 'the broker, instead of the one of the profile (EDGELOG_URL)')
  .option('--token <token>', 'the token of the broker (EDGELOG_TOKEN)')
  .option('--profile <name>', 'a broker by its name: see `edgelog profiles`')
  .option('--json', 'for scripts: JSON instead of tables')
  .showHelpAfterError('(`--help` says more)')
  .showSuggestionAfterError()
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'edgelog: ')) })

for (const add of [
  addDev,
  addTopics,
  addProduce,
  addConsume,
  addGroups,
  addOffsets,
  addSegments,
  addSchemas,
  addCluster,
  addConnections,
  addBench,
  addTunnel,
  addDeploy,
  addProfiles,
  addCompletion,
])
  add(program)

program.hook('preAction', () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 22 || (major === 22 && minor < 13))
    throw new Failed(`edgelog needs Node 22.13 or later; this is ${process.version}.`)
})

// Whoever reads our output may have seen enough: `edgelog consume … | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1)
})

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    process.stderr.write(`edgelog: ${sentence(error)}\n`)
    process.exitCode = error instanceof Failed ? error.exitCode : 1
  }
}
