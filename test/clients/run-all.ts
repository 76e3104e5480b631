// `npm run test:clients`: other people's clients against a broker started here, each installed on first use into a cache
// folder outside of the tree (EDGELOG_CACHE). Names after `--` run only those: kcat, tools, exchange, group-command, groups, compaction,
// metrics, transactions, registry, rest, client, docs, ecosystem or one part of it (streams, connect, mirror, verifiable,
// performance). EDGELOG_WITNESS_PORT takes a broker that is running already.

import { startBroker } from '../../testing/broker.ts'
import { Checks } from './checks.ts'
import { ownClient } from './client.ts'
import { compaction } from './compaction.ts'
import { kafkaConsole } from './console.ts'
import { docs } from './docs.ts'
import { ecosystem, PARTS } from './ecosystem.ts'
import { exchange } from './exchange.ts'
import { groupCommand } from './group-command.ts'
import { groups } from './groups.ts'
import { javascripts } from './javascript.ts'
import { kcat, kcatTools } from './kcat.ts'
import { kafkaTools, threeBrokers } from './kafka-tools.ts'
import { metrics } from './metrics.ts'
import { prometheus } from './prometheus.ts'
import { pythons } from './python.ts'
import { registryClients } from './registry.ts'
import { rest } from './rest.ts'
import { transactions } from './transactions.ts'
import type { Witness } from './witness.ts'

const asked = process.argv.slice(2)
const wants = (name: string): boolean => asked.length === 0 || asked.includes(name)

const checks = new Checks()
const ecosystemParts = PARTS.filter(({ name }) => wants(name) || asked.includes('ecosystem'))
if (ecosystemParts.length > 0) await ecosystem(checks, ecosystemParts)

if (wants('transactions')) await transactions(checks)

const witnesses: Witness[] = []
const needsWitnesses = ['kcat', 'tools', 'exchange', 'groups', 'metrics'].some(wants)
for (const witness of needsWitnesses ? [kcat, kafkaConsole, ...pythons, ...javascripts] : [])
  await checks.check(`${witness.name} is there`, async () => {
    const why = await witness.install()
    if (why !== undefined) throw new Error(why)
    witnesses.push(witness)
  })

const running = Number(process.env['EDGELOG_WITNESS_PORT'] ?? 0)
const broker = running === 0 && needsWitnesses ? await startBroker() : undefined
const port = broker?.kafka ?? running
const prefix = `w${Date.now().toString(36)}`

if (wants('kcat') && witnesses.includes(kcat)) await kcatTools(checks, port, prefix)
if (wants('tools') && witnesses.includes(kafkaConsole)) await kafkaTools(checks, port, prefix)
if (wants('exchange')) await exchange(checks, witnesses, port, prefix)
if (wants('metrics') && broker !== undefined) await metrics(checks, broker.http)
if (wants('metrics') && broker !== undefined) await prometheus(checks, broker.http)
await broker?.close()
if (wants('tools') && witnesses.includes(kafkaConsole) && broker !== undefined) await threeBrokers(checks)
if (wants('group-command')) await groupCommand(checks)
if (wants('groups')) await groups(checks)
if (wants('compaction')) await compaction(checks)
if (wants('client')) await ownClient(checks)
if (wants('registry')) await registryClients(checks, prefix)
if (wants('rest')) await rest(checks)
if (wants('docs')) await docs(checks)

console.log(`\n${checks.passed} passed, ${checks.failed} failed`)
process.exit(checks.failed === 0 ? 0 : 1)
