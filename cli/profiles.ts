// `edgelog profiles`: brokers by name.

import type { Command } from 'commander'
import { configPath, readConfig, writeConfig } from './config.ts'
import { Failed } from './failed.ts'
import { print, printJson, printTable } from './print.ts'
import { checked, type Globals } from './remote.ts'

export function addProfiles(program: Command): void {
  const profiles = program.command('profiles').description('name brokers and their tokens, and choose one')
  profiles
    .command('add')
    .description('name a broker; the first one is used from then on')
    .argument('<name>')
    .argument('<url>')
    .action((name: string, url: string, _, command: Command) => {
      const { token } = command.optsWithGlobals<Globals>()
      const config = readConfig()
      const profile = { url: checked(url), ...(token === undefined ? {} : { token }) }
      writeConfig({ current: config.current ?? name, profiles: { ...config.profiles, [name]: profile } })
      print(`${name} is ${profile.url} (${configPath()}).`)
    })
  profiles
    .command('list')
    .description('show them')
    .action((_, command: Command) => {
      const { profiles: all, current } = readConfig()
      const rows = Object.entries(all).map(([name, { url, token }]) => ({
        name,
        url,
        hasToken: token !== undefined,
        current: name === current,
      }))
      if (command.optsWithGlobals<Globals>().json) return printJson(rows)
      printTable(
        ['', 'NAME', 'URL', 'TOKEN'],
        rows.map(row => [row.current ? '*' : '', row.name, row.url, row.hasToken ? 'yes' : 'no']),
        'There are no profiles: commands go to http://127.0.0.1:8787.',
      )
    })
  profiles
    .command('use')
    .description('choose one')
    .argument('<name>')
    .action((name: string) => {
      const config = readConfig()
      known(config.profiles, name)
      writeConfig({ ...config, current: name })
      print(`Commands go to ${name} now.`)
    })
  profiles
    .command('remove')
    .description('forget one')
    .argument('<name>')
    .action((name: string) => {
      const { current, profiles: all } = readConfig()
      known(all, name)
      const { [name]: _, ...rest } = all
      writeConfig({ ...(current === undefined || current === name ? {} : { current }), profiles: rest })
      print(`Forgot ${name}.`)
    })
}

function known(profiles: object, name: string): void {
  if (!Object.hasOwn(profiles, name)) throw new Failed(`There is no profile "${name}".`)
}
