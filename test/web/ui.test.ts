// The admin page in a real Chromium, against a whole broker: every screen is opened and used as people use it.

import { gzipSync } from 'node:zlib'
import type { Consumer } from 'kafkajs'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../../testing/broker.ts'
import { makePage } from '../../testing/bundle.ts'
import { LiveClient } from '../support/live-client.ts'
import { launchChromium } from '../support/chromium.ts'
import { fillShop } from '../support/shop.ts'

const MAX_GZIPPED_BYTES = 100_000

let broker: Broker
let closed: Broker
let consumer: Consumer
let browser: Browser
let page: Page
/** What the browser complained of; pages that are wrong say it here. */
const complaints: string[] = []

beforeAll(async () => {
  ;[broker, closed, browser] = await Promise.all([
    startBroker(),
    startBroker({ vars: { EDGELOG_LOCAL: '', EDGELOG_ADMIN_TOKEN: 'sesame' } }),
    launchChromium(),
  ])
  consumer = await fillShop(broker)
  page = await browser.newPage()
  page.setDefaultTimeout(10_000)
  page.on('pageerror', error => complaints.push(error.message))
  page.on('console', said => {
    // Browsers report every answer of 4xx, also those that are expected.
    if (said.type() === 'error' && !said.text().includes('status of 4')) complaints.push(said.text())
  })
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await consumer?.disconnect()
  await Promise.all([broker?.close(), closed?.close()])
})

const open = (hash: string): Promise<unknown> => page.goto(new URL(`/ui/${hash}`, broker.http).href)
const row = (text: string) => page.locator('tbody tr').filter({ hasText: text })
const button = (name: string) => page.getByRole('button', { name, exact: true })
const dialog = () => page.getByRole('dialog')
const heading = (name: string) => page.getByRole('heading', { name })
const stored = (path: string) => fetch(new URL(path, broker.http)).then(answer => answer.json() as Promise<any>)

it('weighs less than 100 kB', async () => {
  const files = [...(await makePage()).values()]
  expect(files.reduce((sum, file) => sum + gzipSync(file).length, 0)).toBeLessThan(MAX_GZIPPED_BYTES)
})

it('may load nothing but its own files', async () => {
  const answer = await fetch(new URL('/ui', broker.http))
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'")
  expect((await fetch(new URL('/ui/nothing.js', broker.http))).status).toBe(404)
})

describe('the admin page', { timeout: 40_000 }, () => {
  it('shows how much there is', async () => {
    await open('')
    await row('orders').first().waitFor()
    await page
      .getByRole('img', { name: /Records in per second/ })
      .locator('polyline')
      .waitFor({ state: 'attached' })
  })

  it('creates a topic, makes it larger, sets a config and deletes it', async () => {
    await open('#/topics')
    await button('Create topic').click()
    await page.getByLabel('Name').fill('made-here')
    await page.getByLabel('Partitions').fill('2')
    await button('Create').click()
    await heading('made-here').waitFor()
    await button('Add partitions').click()
    await page.getByLabel('Partitions then').fill('4')
    await button('Add').click()
    await dialog().waitFor({ state: 'detached' })
    expect((await stored('/v1/topics/made-here')).partitions).toHaveLength(4)

    await page.getByRole('link', { name: 'Configuration' }).last().click()
    await page.getByLabel('Search configs').fill('retention.ms')
    await button('retention.ms').click()
    await page.getByLabel('Value').fill('none')
    await button('Set').click()
    await dialog().getByRole('alert').waitFor()
    await page.getByLabel('Value').fill('3600000')
    await button('Set').click()
    await row('set here').getByText('= 1h').waitFor()

    await button('Delete').click()
    expect(await button('Delete topic').isDisabled()).toBe(true)
    await dialog().getByRole('textbox').fill('made-here')
    await button('Delete topic').click()
    await row('payments').waitFor()
    await expect(stored('/v1/topics/made-here')).resolves.toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  })

  it('shows partitions and their segments', async () => {
    await open('#/topics/orders/partitions')
    await button('0').click()
    await page.getByText('active').waitFor()
  })

  it('pages through all records of all partitions, once each, back and forth', async () => {
    await open('#/topics/orders')
    const seen = new Set<string>()
    for (let left = 120; left > 0; left -= 50) {
      await page.getByText(`${Math.min(left, 50)} records`, { exact: true }).waitFor()
      for (const line of await page.locator('tr.record').allInnerTexts()) seen.add(line.split('\t', 2).join('/'))
      if (left > 50) await button('‹ Older').click()
    }
    expect(seen.size).toBe(120)
    expect(await button('‹ Older').isDisabled()).toBe(true)
    await button('Newer ›').click()
    await page.getByText('50 records', { exact: true }).waitFor()
  })

  it('begins at an offset or a time', async () => {
    await open('#/topics/orders/records?partition=0&start=offset&at=7')
    await page.locator('tr.record').first().getByRole('button', { name: '7', exact: true }).waitFor()
    await page.getByLabel('From').selectOption('time')
    await page.getByLabel('Time').fill('2030-01-01T00:00:00')
    await heading('No records here').waitFor()
  })

  it('finds text in headers, and opens what it found', async () => {
    await open('#/topics/orders')
    await page.getByLabel('Search records').fill('trace-77')
    await page.getByLabel('Search in').selectOption('headers')
    await page.getByText('1 record of 120 looked at').waitFor()
    await page.locator('tr.record [data-row]').click()
    await page.getByText('SKU-12').last().waitFor()
    await page.getByText('trace-77', { exact: true }).waitFor()
    await page.getByLabel('Search in').selectOption('key')
    await heading('Nothing like “trace-77” here').waitFor()
  })

  it('follows live, holds while it is paused, and produces', async () => {
    await open('#/topics/payments/records?start=live')
    await page.getByText('live', { exact: true }).last().waitFor()
    await button('Produce').click()
    await dialog().getByLabel('Key').fill('big')
    await dialog().getByLabel('Value').fill('{"id": 9007199254740993}')
    await dialog().getByLabel('Headers').fill('from: here')
    await dialog().getByRole('button', { name: 'Produce' }).click()
    await dialog()
      .getByText(/It is partition 0, offset \d+/)
      .waitFor()
    await dialog().getByLabel('Value').fill('{')
    await dialog().getByRole('button', { name: 'Produce' }).click()
    await dialog()
      .getByText(/The value is not JSON/)
      .waitFor()
    await page.keyboard.press('Escape')
    await row('9007199254740993').waitFor()
    await button('Pause').click()
    await page.getByText('paused').waitFor()
    await fetch(new URL('/v1/topics/payments/records', broker.http), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"key": "late", "value": "meanwhile"}',
    })
    await page.getByText(', 1 waiting').waitFor()
    expect(await row('meanwhile').count()).toBe(0)
    await button('Go on').click()
    await row('meanwhile').waitFor()
  })

  it('shows who reads what, and how far behind', async () => {
    await open('#/groups')
    await row('reports').getByRole('cell', { name: '99', exact: true }).waitFor()
    await page.getByRole('link', { name: 'billing' }).click()
    await row('orders: 0, 1, 2').waitFor()
    await page
      .getByRole('img', { name: /behind/ })
      .first()
      .waitFor()
    await button('Reset offsets').click()
    await dialog().getByText('The group has members').waitFor()
  })

  it('moves the offsets of a group after showing how, and deletes it', async () => {
    await open('#/groups/reports')
    await button('Reset offsets').click()
    await dialog().getByLabel('To', { exact: true }).selectOption('shiftBy')
    await dialog()
      .getByLabel(/Records/)
      .fill('2')
    await dialog().getByText('+2').first().waitFor()
    expect((await stored('/v1/groups/reports')).offsets[0].offset).toBe(4)
    await dialog().getByRole('button', { name: 'Reset offsets' }).click()
    await dialog().waitFor({ state: 'detached' })
    expect((await stored('/v1/groups/reports')).offsets[0].offset).toBe(6)
    await button('Delete').click()
    await button('Delete group').click()
    await row('billing').waitFor()
    await expect(stored('/v1/groups/reports')).resolves.toMatchObject({ code: 'GROUP_ID_NOT_FOUND' })
  })

  it('lists transactions', async () => {
    await open('#/transactions')
    await row('billing-1').getByText('CompleteCommit').waitFor()
  })

  it('shows versions of a schema, what changed, and refuses what is not compatible', async () => {
    await open('#/schemas')
    await page.getByRole('link', { name: 'orders-value' }).click()
    await page.getByLabel('Compare with').selectOption('1')
    await page.locator('.came', { hasText: 'customer' }).waitFor()
    await button('New version').click()
    await dialog()
      .getByRole('textbox', { name: 'Schema' })
      .fill('{"type":"record","name":"Order","fields":[{"name":"x","type":"int"}]}')
    await button('Is it compatible?').click()
    await dialog().getByRole('listitem').first().waitFor()
    await button('Cancel').click()
    await page.getByLabel('Compatibility', { exact: false }).first().selectOption('FULL')
    await expect.poll(() => stored('/config/orders-value')).toMatchObject({ compatibilityLevel: 'FULL' })
  })

  it('deletes a version of a schema, finds it among the deleted, and deletes all for good', async () => {
    for (const type of ['int', 'long'])
      await fetch(new URL('/subjects/gone-value/versions', broker.http), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ schema: `"${type}"` }),
      })
    await open('#/schemas/gone-value')
    await button('Delete').click()
    await dialog().getByText('its id stays').waitFor()
    await dialog().getByRole('button', { name: 'Delete' }).click()
    await dialog().waitFor({ state: 'detached' })
    await expect.poll(() => stored('/subjects/gone-value/versions')).toEqual([1])
    expect(await stored('/subjects/gone-value/versions?deleted=true')).toEqual([1, 2])
    await page.getByLabel('Version', { exact: true }).selectOption('2')
    await page.getByText('deleted', { exact: true }).waitFor()

    await button('Delete').click()
    await dialog().getByLabel('What').selectOption('')
    await dialog().getByRole('button', { name: 'Delete' }).click()
    await dialog().waitFor({ state: 'detached' })
    await open('#/schemas')
    await row('orders-value').waitFor()
    expect(await row('gone-value').count()).toBe(0)
    await page.getByLabel('Deleted ones, too').check()
    await row('gone-value').getByText('deleted').waitFor()
    await page.getByRole('link', { name: 'gone-value' }).click()

    await button('Delete').click()
    await dialog().getByLabel('What').selectOption('')
    const forGood = dialog().getByRole('button', { name: 'Delete for good' })
    expect(await forGood.isDisabled()).toBe(true)
    await dialog().getByRole('textbox').fill('gone-value')
    await forGood.click()
    await row('orders-value').waitFor()
    expect(await stored('/subjects?deleted=true')).toEqual(['orders-value'])
  })

  it('shows who is connected, of which kind, and who comes and goes', async () => {
    await open('#/connections')
    const kafka = page.getByRole('link', { name: /^Kafka \d/ })
    await row('billing').getByRole('link', { name: 'orders' }).first().waitFor()
    const headers = { 'user-agent': 'a-watcher' }
    const watcher = new LiveClient(new URL('/v1/topics/payments/live', broker.http), { headers })
    await row('a-watcher').getByRole('link', { name: 'payments' }).waitFor()
    await page.getByLabel('Search connections').fill('a-watch')
    await row('billing').first().waitFor({ state: 'detached' })
    await page.getByLabel('Search connections').fill('')
    await kafka.click()
    await row('a-watcher').waitFor({ state: 'detached' })
    await row('billing').first().waitFor()
    await page.getByRole('link', { name: /^All \d/ }).click()
    await row('a-watcher').waitFor()
    watcher.cut()
    await row('a-watcher').waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'Live, events' }).click()
    await heading('Nobody is connected').waitFor()
  })

  it('shows the configs of the broker', async () => {
    await open('#/configuration')
    await page.getByLabel('Search configs').fill('log.retention.hours')
    await row('log.retention.hours').waitFor()
  })

  it('is used with the keyboard alone', async () => {
    await open('')
    await row('orders').first().waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('t')
    // The overview has such rows, too.
    await page.locator('main h1', { hasText: 'Topics' }).waitFor()
    await row('payments').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('pay')
    await row('orders').waitFor({ state: 'detached' })
    await page.keyboard.press('Escape')
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await heading('payments').waitFor()
    await page.keyboard.press('?')
    await dialog().getByText('next and previous row').waitFor()
    await page.keyboard.press('Escape')
    await dialog().waitFor({ state: 'detached' })
  })

  it('fits a screen of 360 pixels, and is dark where that is wanted', async () => {
    await page.setViewportSize({ width: 360, height: 740 })
    for (const hash of [
      '',
      '#/topics',
      '#/topics/orders',
      '#/groups/billing',
      '#/schemas/orders-value',
      '#/connections',
      '#/configuration',
    ]) {
      await open(hash)
      await page.locator('main h1').waitFor()
      expect(await page.evaluate('document.documentElement.scrollWidth'), hash).toBe(360)
    }
    await button('Auto').click()
    await button('Light').click()
    await button('Dark').waitFor()
    expect(await page.evaluate('getComputedStyle(document.body).colorScheme')).toBe('dark')
    await page.setViewportSize({ width: 1280, height: 800 })
  })

  it('says what is not there', async () => {
    await open('#/topics/never')
    await heading('There is no topic never').waitFor()
    await open('#/groups/never')
    await heading('There is no group never').waitFor()
  })

  it('was never complained of by the browser', () => expect(complaints).toEqual([]))

  it('asks for the token, and follows live with it', async () => {
    const other = await browser.newPage()
    await other.goto(new URL('/ui/#/topics', closed.http).href)
    await other.getByLabel('Token').fill('open')
    await other.getByRole('button', { name: 'Open' }).click()
    await other.getByText('That is not the token of this broker.').waitFor()
    await other.getByLabel('Token').fill('sesame')
    await other.getByRole('button', { name: 'Open' }).click()
    await other.getByRole('button', { name: 'Create topic' }).click()
    await other.getByLabel('Name').fill('secret')
    await other.getByRole('button', { name: 'Create', exact: true }).click()
    await other.getByLabel('From').selectOption('live')
    await other.getByText('live', { exact: true }).last().waitFor()
    await other.close()
  })
})
