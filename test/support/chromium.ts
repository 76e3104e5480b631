// A real Chromium, which comes by npm.

import chromium from '@sparticuz/chromium'
import { type Browser, chromium as playwright } from 'playwright-core'

export const launchChromium = async (): Promise<Browser> =>
  playwright.launch({ args: chromium.args, executablePath: await chromium.executablePath(), headless: true })
