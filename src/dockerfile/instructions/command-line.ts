import type { Token } from '../logical-line.ts'

/** What RUN, CMD, ENTRYPOINT and HEALTHCHECK start: arguments as they are, or one text for the shell. */
export type CommandLine =
  | { readonly form: 'exec'; readonly args: readonly string[] }
  | { readonly form: 'shell'; readonly text: string }

/** The command in the arguments of an instruction. */
export function commandLineOf(args: readonly Token[], isJson: boolean): CommandLine {
  const texts = args.map(({ text }) => text)
  return isJson ? { form: 'exec', args: texts } : { form: 'shell', text: texts.join(' ') }
}
