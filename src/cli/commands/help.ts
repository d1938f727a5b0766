import { fail } from '../../core/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { renderCommandHelp, renderGroupHelp } from '../help.ts'
import { GLOBAL_FLAGS } from '../program.ts'
import { escapeName } from '../render/escape.ts'
import { buildTree, findNode } from '../tree.ts'

/** `slipway help [COMMAND...]`: what `--help` of the command prints. */
export const command: Command = defineCommand({
  usage: '[command]',
  operands: { min: 0 },
  flags: {},
  async run({ args, io, table }) {
    const node = findNode(buildTree(table), args)
    if (!node) throw fail('USAGE_INVALID', `unknown help topic: ${escapeName(args.join(' '))}`)
    const { columns } = io.stdout.terminal()
    const topic = node.entry ? (await node.entry.load()).command : undefined
    await io.stdout.write(
      topic ? renderCommandHelp(node, topic, columns) : renderGroupHelp(node, GLOBAL_FLAGS, columns),
    )
    return 0
  },
})
