// Confluent's REST Proxy, version 2: /brokers, /topics, /consumers.

import type { App } from '../app.ts'
import { mountConsumers } from './v2/consumers.ts'
import { mountProduce } from './v2/produce.ts'
import { mountTopics } from './v2/topics.ts'

export function mountRestV2(app: App): void {
  mountTopics(app)
  mountProduce(app)
  mountConsumers(app)
}
