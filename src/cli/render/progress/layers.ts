import type { ProgressEvent } from '../../../core/index.ts'
import { openProgress } from './driver.ts'
import { createTransferProgress, type TransferWords } from './transfer.ts'

/** Where the lines of a transfer go. */
interface Output {
  terminal(): { columns: number; rows: number; isTerminal: boolean }
  writeNow(text: string): void
}

/** Shows one transfer after the other: what each is called, where that is wanted, and a line for each layer of it. */
export interface LayerLines {
  progress(event: ProgressEvent): void
  /** Ends the lines of the transfer that was shown last. */
  end(): void
}

/** Lines as `docker pull` and `docker push` print them. A task without a parent is a transfer; its name is the headline. */
export function createLayerLines(output: Output, words: TransferWords, options: { headlines: boolean }): LayerLines {
  let shown: ReturnType<typeof openProgress> | undefined
  const end = (): void => {
    shown?.close()
    shown = undefined
  }
  const begin = (): ReturnType<typeof openProgress> => {
    const { isTerminal } = output.terminal()
    const renderer = createTransferProgress({ words, size: () => output.terminal(), isTerminal })
    return openProgress(renderer, (text) => output.writeNow(text))
  }
  return {
    end,
    progress(event) {
      if (event.type === 'started' && event.parent === undefined) {
        end()
        if (options.headlines) output.writeNow(`${event.name}\n`)
        shown = begin()
      }
      shown?.progress(event)
    },
  }
}
