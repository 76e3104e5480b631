// Plays the scenarios against one broker, each with topics of its own, and gives their transcripts.

import { scenarios } from './scenarios.ts'
import type { KafkaClient } from '../support/kafka-client.ts'
import { type Scenario, Transcript } from './transcript.ts'

/** Sets the topics of one run apart from those of all others; stripped from what is noted. */
const prefixOf = (index: number): string => `run${Date.now().toString(36)}-${index}-`

/** The lines of each scenario, by its name. One that breaks off says so in its last line. */
export async function play(
  dial: () => Promise<KafkaClient>,
  some: readonly Scenario[] = scenarios,
  settleMs = 0,
): Promise<Map<string, readonly string[]>> {
  const played = new Map<string, readonly string[]>()
  for (const [i, scenario] of some.entries()) {
    const to = new Transcript(dial, prefixOf(i), settleMs)
    try {
      await scenario.run(to)
    } catch (error) {
      to.lines.push(`broke off: ${String(error)}`)
    } finally {
      to.close()
    }
    played.set(scenario.name, to.lines)
  }
  return played
}
