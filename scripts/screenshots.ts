// `npm run screenshots`: the pictures of the admin page in docs/images, of a broker that is filled for it.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { startBroker } from '../testing/broker.ts'
import { launchChromium } from '../test/support/chromium.ts'
import { EventClient, LiveClient } from '../test/support/live-client.ts'
import { fillShop } from '../test/support/shop.ts'

const images = join(import.meta.dirname, '../docs/images')
const WIDE = { width: 1200, height: 720 }
const SMALL = { width: 360, height: 720 }

/** What to press before the picture is taken, if anything. */
const pictures = [
  { name: 'overview', hash: '', press: '', scheme: 'light', size: WIDE },
  { name: 'records', hash: '#/topics/orders', press: 'tr.record [data-row]', scheme: 'dark', size: WIDE },
  { name: 'group', hash: '#/groups/reports', press: '', scheme: 'light', size: WIDE },
  { name: 'reset-offsets', hash: '#/groups/reports', press: '.primary', scheme: 'light', size: WIDE },
  { name: 'connections', hash: '#/connections', press: '', scheme: 'light', size: WIDE },
  { name: 'schema', hash: '#/schemas/orders-value', press: '', scheme: 'dark', size: WIDE },
  { name: 'records-small', hash: '#/topics/orders', press: '', scheme: 'light', size: SMALL },
  { name: 'overview-small', hash: '', press: '', scheme: 'dark', size: SMALL },
] as const

mkdirSync(images, { recursive: true })
const [broker, browser] = await Promise.all([startBroker(), launchChromium()])
const consumer = await fillShop(broker)
const live = new LiveClient(new URL('/v1/topics/payments/live?group=ledger', broker.http), {
  headers: { 'user-agent': 'ledger/2.1' },
})
const events = new EventClient(new URL('/v1/live?topics=orders,payments', broker.http), { 'user-agent': 'curl/8.9' })
for (const { name, hash, press, scheme, size } of pictures) {
  const page = await browser.newPage({ viewport: size, colorScheme: scheme, timezoneId: 'UTC' })
  await page.goto(new URL(`/ui/${hash}`, broker.http).href)
  await page.locator('table, pre').first().waitFor()
  if (press !== '') await page.locator(press).first().click()
  await page.waitForTimeout(hash === '' ? 4_500 : 500)
  await page.screenshot({ path: join(images, `${name}.png`) })
  await page.close()
}
await browser.close()
live.cut()
events.cut()
await consumer.disconnect()
await broker.close()
