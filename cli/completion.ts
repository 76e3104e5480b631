// `edgelog completion`: a script for the shell, made of the commands and options that there are.

import { Argument, type Command } from 'commander'
import { print } from './print.ts'

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('print a completion script: `source <(edgelog completion bash)`')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action((shell: 'bash' | 'zsh' | 'fish') => print(scripts[shell](wordsOf(program))))
}

/** What may come after `edgelog`, after `edgelog topics`, and so on. */
type Words = ReadonlyMap<string, readonly string[]>

function wordsOf(program: Command): Words {
  const words = new Map<string, string[]>()
  const visit = (command: Command, path: string): void => {
    const options = command.options.flatMap(({ long }) => (long === undefined ? [] : [long]))
    words.set(path, [...command.commands.map(sub => sub.name()), ...options])
    for (const sub of command.commands) visit(sub, path === '' ? sub.name() : `${path} ${sub.name()}`)
  }
  visit(program, '')
  return words
}

const cases = (words: Words): string =>
  [...words].map(([path, next]) => `    '${path}') words='${next.join(' ')}' ;;`).join('\n')

const bash = (words: Words): string => `_edgelog() {
  local path='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] || path="\${path:+$path }$word"
  done
  case "$path" in
${cases(words)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _edgelog edgelog`

const scripts = {
  bash,
  zsh: (words: Words): string => `autoload -U +X bashcompinit && bashcompinit\n${bash(words)}`,
  fish: (words: Words): string =>
    [...words]
      .map(([path, next]) => {
        const at =
          path === ''
            ? '__fish_use_subcommand'
            : path
                .split(' ')
                .map(word => `__fish_seen_subcommand_from ${word}`)
                .join('; and ')
        return `complete -c edgelog -f -n '${at}' -a '${next.join(' ')}'`
      })
      .join('\n'),
}
