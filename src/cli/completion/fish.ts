import type { CompletedCommand, CompletedFlag, Completion } from './model.ts'

/** The completion script for fish. */
export function fishScript(program: string, commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap((command) => [
    ...command.children.map((child) => subcommandLine(program, command.path, child)),
    ...command.flags.map((flag) => flagLine(program, command.path, flag)),
    ...operandLine(program, command),
  ])
  return `${fishHead(program, commands)}\n${lines.join('\n')}\n`
}

function subcommandLine(program: string, path: string, child: { name: string; summary: string }): string {
  return `complete -c ${program} -n ${at(program, path)} -a ${quote(child.name)} -d ${quote(child.summary)}`
}

function flagLine(program: string, path: string, flag: CompletedFlag): string {
  const short = flag.short === undefined ? '' : ` -s ${flag.short}`
  const value = flag.value ? ` ${flag.value.kind === 'file' ? '-r' : '-x'}${argumentsOf(program, flag.value)}` : ''
  return `complete -c ${program} -n ${at(program, path)} -l ${flag.name}${short}${value} -d ${quote(flag.about)}`
}

function operandLine(program: string, command: CompletedCommand): string[] {
  if (command.operands.kind === 'none') return []
  return [`complete -c ${program} -n ${at(program, command.path)}${argumentsOf(program, command.operands)}`]
}

function argumentsOf(program: string, completion: Completion): string {
  switch (completion.kind) {
    case 'words':
      return ` -a ${quote(completion.words.join(' '))}`
    case 'names':
      return ` -a ${quote(`(${program} __complete ${completion.of} (commandline -ct) 2>/dev/null)`)}`
    case 'file':
      return ' -F'
    case 'directory':
      return ` -a ${quote('(__fish_complete_directories)')}`
    default:
      return ''
  }
}

function at(program: string, path: string): string {
  return quote(`__${program}_at ${path === '' ? "''" : `"${path}"`}`)
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

/** The function that tells which command the words on the line have reached. */
function fishHead(program: string, commands: readonly CompletedCommand[]): string {
  const paths = commands.filter((command) => command.path !== '').map((command) => quote(command.path))
  const values = commands.flatMap((command) =>
    command.flags
      .filter((flag) => flag.value)
      .flatMap((flag) => [`--${flag.name}`, ...(flag.short === undefined ? [] : [`-${flag.short}`])])
      .map((name) => quote(`${command.path} ${name}`)),
  )
  return `# fish completion for ${program}; load it with: ${program} completion fish | source
set -g __${program}_paths ${paths.join(' ')}
set -g __${program}_values ${values.join(' ')}

function __${program}_at
    set -l path ''
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip -eq 1
            set skip 0
        else if string match -q -- '-*' $word
            contains -- "$path $word" $__${program}_values; and set skip 1
        else if contains -- (string trim -- "$path $word") $__${program}_paths
            set path (string trim -- "$path $word")
        end
    end
    test "$path" = "$argv[1]"
end

complete -c ${program} -f`
}
