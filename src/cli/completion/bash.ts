import type { CompletedCommand, Completion } from './model.ts'

/** The completion script for bash (4 or newer); it needs no other package. */
export function bashScript(program: string, commands: readonly CompletedCommand[]): string {
  const fn = `__${program}`
  const table = (name: string, line: (command: CompletedCommand) => string): string => {
    const rows = commands.map((command) => [command.path, line(command)] as const).filter(([, words]) => words !== '')
    const cases = rows.map(([path, words]) => `    '${path}') echo ${quote(words)} ;;\n`).join('')
    return `${fn}_${name}() {\n  case "$1" in\n${cases}  esac\n}\n`
  }
  const values = commands
    .flatMap((command) =>
      command.flags.flatMap((flag) => {
        if (!flag.value) return []
        const names = [`--${flag.name}`, ...(flag.short === undefined ? [] : [`-${flag.short}`])]
        return `    ${names.map((name) => `'${command.path} ${name}'`).join('|')}) echo ${quote(describe(flag.value))} ;;\n`
      }),
    )
    .join('')
  return [
    `# bash completion for ${program}; load it with: source <(${program} completion bash)\n`,
    table('commands', (command) => command.children.map((child) => child.name).join(' ')),
    table('flags', flagWords),
    table('operands', (command) => (command.operands.kind === 'none' ? '' : describe(command.operands))),
    table('stops', (command) => (command.stopsAtOperand ? 'yes' : '')),
    `${fn}_value() {\n  case "$1 $2" in\n${values}    *) return 1 ;;\n  esac\n}\n`,
    bashBody(program, fn),
  ].join('\n')
}

function flagWords(command: CompletedCommand): string {
  return command.flags
    .flatMap((flag) => [`--${flag.name}`, ...(flag.short === undefined ? [] : [`-${flag.short}`])])
    .join(' ')
}

function describe(completion: Completion): string {
  if (completion.kind === 'words') return `words ${completion.words.join(' ')}`
  return completion.kind === 'names' ? `names ${completion.of}` : completion.kind
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** Words are taken from the line itself: bash splits COMP_WORDS at ":" and "=", which image names and flags contain. */
function bashBody(program: string, fn: string): string {
  return `${fn}_offer() { # HOW CURRENT
  local how=\${1%% *} what=\${1#* }
  case "$how" in
    words) mapfile -t COMPREPLY < <(compgen -W "$what" -- "$2") ;;
    names) mapfile -t COMPREPLY < <(${program} __complete "$what" "$2" 2>/dev/null) ;;
    file) mapfile -t COMPREPLY < <(compgen -f -- "$2"); compopt -o filenames 2>/dev/null ;;
    directory) mapfile -t COMPREPLY < <(compgen -d -- "$2"); compopt -o filenames 2>/dev/null ;;
  esac
}

_${program}() {
  local line=\${COMP_LINE:0:COMP_POINT} path= word flag= next i operands=0 literal= done=
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  local current=\${words[-1]}
  COMPREPLY=()
  for ((i = 1; i < \${#words[@]} - 1; i++)); do
    word=\${words[i]}
    if [[ -n $flag ]]; then flag=; continue; fi
    [[ -n $done ]] && continue
    if [[ $word == -- && -z $literal ]]; then literal=yes; continue; fi
    if [[ $word == -?* && -z $literal ]]; then
      [[ $word != *=* ]] && ${fn}_value "$path" "$word" >/dev/null && flag=$word
      continue
    fi
    next="\${path:+$path }$word"
    if [[ " $(${fn}_commands "$path") " == *" $word "* ]]; then path=$next; continue; fi
    operands=$((operands + 1))
    [[ $(${fn}_stops "$path") == yes ]] && done=yes
  done
  if [[ -n $flag ]]; then
    ${fn}_offer "$(${fn}_value "$path" "$flag")" "$current"
  elif [[ -n $done ]]; then
    ${fn}_offer file "$current"
  elif [[ $current == --*=* && -z $literal ]]; then
    ${fn}_offer "$(${fn}_value "$path" "\${current%%=*}")" "\${current#*=}"
  elif [[ $current == -* && -z $literal ]]; then
    ${fn}_offer "words $(${fn}_flags "$path")" "$current"
  elif [[ -n $(${fn}_commands "$path") ]]; then
    ${fn}_offer "words $(${fn}_commands "$path")" "$current"
  else
    ${fn}_offer "$(${fn}_operands "$path")" "$current"
  fi
  # What stands before the last ":" or "=" is on the line already.
  if [[ $current == *[:=]* && \${COMP_WORDBREAKS} == *:* ]]; then
    local before=\${current%"\${current##*[:=]}"}
    [[ $current == --*=* ]] && before=\${before#*=}
    COMPREPLY=("\${COMPREPLY[@]#"$before"}")
  fi
}

complete -F _${program} ${program}
`
}
