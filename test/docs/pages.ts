// The pages people read, and the blocks of code in them.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '../..')

export const pages: readonly string[] = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
]

export const readPage = (page: string): string => readFileSync(join(root, page), 'utf8')

export interface Block {
  readonly language: string
  readonly text: string
}

/** What cannot be run has no language, and is plain text. */
export const RUN: ReadonlySet<string> = new Set(['', 'sh', 'ts', 'js'])

export const blocksOf = (page: string): Block[] =>
  [...readPage(page).matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language, text]) => ({
    language: language!,
    text: text!.trim(),
  }))

/** Whether a block of shell needs a program that does not come with npm. */
export const needsMore = (text: string): boolean => /\bkcat\b|\bkafka-[a-z-]+\.sh\b/.test(text)
