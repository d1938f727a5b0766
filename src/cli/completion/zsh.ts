import type { CompletedCommand, CompletedFlag, Completion } from './model.ts'

/** The completion script for zsh. */
export function zshScript(program: string, commands: readonly CompletedCommand[]): string {
  const cases = commands.map((command) => commandCase(program, command)).join('')
  return `#compdef ${program}
# zsh completion for ${program}; load it with: source <(${program} completion zsh)

__${program}_names() {
  local -a names
  names=(\${(f)"$(${program} __complete $1 "$PREFIX" 2>/dev/null)"})
  compadd -a names
}

# "reached" is the command that the words before the cursor name ("path" would be zsh's own); its own words are left in "words".
_${program}() {
  local reached= word state line curcontext=$curcontext
  local -a children
  local -A opt_args
  while true; do
    case "$reached" in
${cases}    esac
    return
  done
}

if [[ $funcstack[1] == _${program} ]]; then _${program} "$@"; else compdef _${program} ${program}; fi
`
}

/** A group offers its children and goes on with the one that was named; a command completes flags and operands. */
function commandCase(program: string, command: CompletedCommand): string {
  const flags = command.flags.map((flag) => flagSpec(program, flag))
  if (command.children.length === 0) {
    const action = actionOf(program, command.operands)
    const operands =
      command.operands.kind === 'none' ? [] : [`'*${command.stopsAtOperand ? '::' : ':'}operand:${action}'`]
    const specs = [...flags, ...operands].join(' ')
    return `      '${command.path}') _arguments -s ${command.stopsAtOperand ? '-A "-*" ' : ''}${specs} ;;\n`
  }
  const children = command.children.map((child) => quote(`${child.name}:${child.summary.replaceAll(':', '\\:')}`))
  const known = command.children.map((child) => child.name).join('|')
  const prefix = command.path === '' ? '' : `${command.path} `
  return `      '${command.path}')
        _arguments -A "-*" -C ${flags.join(' ')} '1: :->command' '*:: :->rest'
        case $state in
          command) children=(${children.join(' ')}); _describe command children ;;
          rest) case $words[1] in ${known}) reached="${prefix}$words[1]"; continue ;; esac ;;
        esac ;;
`
}

function flagSpec(program: string, flag: CompletedFlag): string {
  const about = flag.about.replace(/[[\]:\\]/g, (character) => `\\${character}`)
  const action = flag.value ? `:value:${actionOf(program, flag.value)}` : ''
  const long = quote(`*--${flag.name}${flag.value ? '=' : ''}[${about}]${action}`)
  return flag.short === undefined
    ? long
    : `${long} ${quote(`*-${flag.short}${flag.value ? '+' : ''}[${about}]${action}`)}`
}

function actionOf(program: string, completion: Completion): string {
  switch (completion.kind) {
    case 'words':
      return `(${completion.words.join(' ')})`
    case 'names':
      // The space keeps _arguments from adding arguments of its own.
      return ` __${program}_names ${completion.of}`
    case 'file':
      return '_files'
    case 'directory':
      return '_directories'
    default:
      return ''
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
