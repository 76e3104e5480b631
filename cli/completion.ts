// `edgelog completion`: a script for the shell, made of the commands and options that there are. Each walks what was typed
// past options and their values down to the command it is about, and offers what may come next there.

import { Argument, type Command } from 'commander'
import { print } from './print.ts'

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('print a completion script: `source <(edgelog completion bash)`')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action((shell: 'bash' | 'zsh' | 'fish') => print(scripts[shell](placesOf(program))))
}

/** What may come after `edgelog`, after `edgelog topics`, and so on. */
interface Place {
  /** `topics create`; nothing: after `edgelog` itself */
  readonly path: string
  readonly words: readonly { readonly word: string; readonly description: string }[]
  readonly options: readonly {
    readonly flags: readonly string[]
    readonly description: string
    readonly takesValue: boolean
    readonly choices: readonly string[]
  }[]
}

function placesOf(program: Command): Place[] {
  const placeOf = (command: Command, path: string): Place[] => [
    {
      path,
      words: [
        ...command.commands.map(sub => ({ word: sub.name(), description: sub.description() })),
        ...command.registeredArguments.flatMap(({ argChoices = [] }) =>
          argChoices.map(word => ({ word, description: '' })),
        ),
      ],
      // The program's own options may stand anywhere.
      options: [
        ...new Set([...command.options, ...program.options.filter(({ long }) => long !== '--version')]),
        command.createOption('-h, --help', 'say more'),
      ].map(({ short, long, description, required, optional, argChoices = [] }) => ({
        flags: [short, long].filter(flag => flag !== undefined),
        description,
        takesValue: required || optional,
        choices: argChoices,
      })),
    },
    ...command.commands.flatMap(sub => placeOf(sub, path === '' ? sub.name() : `${path} ${sub.name()}`)),
  ]
  return placeOf(program, '')
}

/** No names that mean something to zsh: there `path` and `words` do. */
function bash(places: readonly Place[]): string {
  const cases = places.map(({ path, words, options }) => {
    const offered = [...words.map(({ word }) => word), ...options.map(({ flags }) => flags.at(-1))]
    const valued = options.flatMap(({ flags, takesValue }) => (takesValue ? flags : []))
    return `    '${path}') offered='${offered.join(' ')}' valued='${valued.join(' ')}' ;;`
  })
  const choices = places.flatMap(({ path, options }) =>
    options.flatMap(({ flags, choices: all }) =>
      all.length === 0
        ? []
        : [`    ${flags.map(flag => `'${path} ${flag}'`).join('|')}) offered='${all.join(' ')}' ;;`],
    ),
  )
  return `_edgelog_at() {
  case "$1" in
${cases.join('\n')}
    *) return 1 ;;
  esac
}
_edgelog() {
  local at='' typed='' option='' offered='' valued='' next=1
  _edgelog_at ''
  while [ "$next" -lt "$COMP_CWORD" ]; do
    typed="\${COMP_WORDS[$next]}"
    next=$((next + 1))
    if [ -n "$option" ]; then option=''
    elif [ "\${typed#-}" != "$typed" ]; then
      case " $valued " in *" $typed "*) option="$typed" ;; esac
    elif _edgelog_at "\${at:+$at }$typed"; then at="\${at:+$at }$typed"
    fi
  done
  if [ -n "$option" ]; then
    offered=''
    case "$at $option" in
${choices.join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$offered" -- "\${COMP_WORDS[$COMP_CWORD]}"))
}
complete -o default -F _edgelog edgelog`
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

function fish(places: readonly Place[]): string {
  const cases = places.map(({ path, options }) => {
    const valued = options.flatMap(({ flags, takesValue }) => (takesValue ? flags : []))
    return `        case ${quoted(path)}\n            set valued ${valued.join(' ')}`
  })
  const lines = places.flatMap(({ path, words, options }) => {
    const here = `complete -c edgelog -n ${quoted(`_edgelog_is ${quoted(path)}`)}`
    return [
      ...words.map(({ word, description }) => `${here} -f -a ${quoted(word)} -d ${quoted(description)}`),
      ...options.map(({ flags, description, takesValue, choices }) => {
        const names = flags.map(flag => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
        const value = choices.length > 0 ? ` -x -a ${quoted(choices.join(' '))}` : takesValue ? ' -r' : ''
        return `${here} ${names.join(' ')}${value} -d ${quoted(description)}`
      }),
    ]
  })
  return `function _edgelog_valued
    set -l valued
    switch $argv[1]
${cases.join('\n')}
    end
    contains -- $argv[2] $valued
end
function _edgelog_is
    set -l at ''
    set -l option ''
    for typed in (commandline -opc)[2..-1]
        if test -n "$option"
            set option ''
        else if string match -q -- '-*' $typed
            _edgelog_valued "$at" $typed; and set option $typed
        else if contains -- (string trim "$at $typed") ${places.map(({ path }) => quoted(path)).join(' ')}
            set at (string trim "$at $typed")
        end
    end
    test "$at" = "$argv[1]"
end
${lines.join('\n')}`
}

const scripts = {
  bash,
  zsh: (places: readonly Place[]): string => `(( $+functions[compdef] )) || { autoload -U +X compinit && compinit }
autoload -U +X bashcompinit && bashcompinit
${bash(places)}`,
  fish,
}
