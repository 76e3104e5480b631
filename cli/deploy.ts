// `edgelog deploy`: `wrangler deploy` of this package's Worker, and the word about the token that it needs.

import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { Failed } from './failed.ts'
import { remark } from './print.ts'

export function addDeploy(program: Command): void {
  program
    .command('deploy')
    .description(
      'deploy the broker to your Cloudflare account: runs `wrangler deploy`, and passes on what else you say',
    )
    .argument('[options...]', 'for wrangler, after --')
    .allowUnknownOption()
    .action(async (options: string[]) => {
      const root = join(import.meta.dirname, '..')
      // The package brings the Worker made; in the tree wrangler makes it.
      const inTree = existsSync(join(root, 'src'))
      const made = inTree ? [] : ['dist/worker.js', '--no-bundle']
      if (inTree) execFileSync(process.execPath, [join(root, 'scripts/web.ts')])
      const args = ['wrangler', 'deploy', ...made, '--config', 'wrangler.toml', ...options]
      remark(`npx ${args.join(' ')}`)
      const code = await new Promise<number>((resolve, reject) => {
        const child = spawn('npx', args, { cwd: root, stdio: 'inherit' })
        child.once('error', reject)
        child.once('exit', status => resolve(status ?? 1))
      })
      if (code !== 0) throw new Failed(`wrangler ended with ${code}; what it said stands above.`)
      remark('A new broker refuses everything until it has a token: npx wrangler secret put EDGELOG_ADMIN_TOKEN')
    })
}
