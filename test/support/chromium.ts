// A real Chromium, which comes by npm.

import chromium from '@sparticuz/chromium'
import { type Browser, chromium as playwright } from 'playwright-core'

/** The package's own arguments are for Lambda: one process that ends with its first page, and no web security. */
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--hide-scrollbars']

export const launchChromium = async (): Promise<Browser> =>
  playwright.launch({ args: ARGUMENTS, executablePath: await chromium.executablePath(), headless: true })
