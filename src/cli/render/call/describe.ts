import { goJson } from '../../../oci/index.ts'
import { alignColumns } from '../columns.ts'
import type { Answer } from './answer.ts'

/** The calls that BuildKit's frontend names, in its words. */
const CALLS = [
  {
    name: 'outline',
    description: 'List all parameters current build target supports',
    opts: [{ name: 'target', description: 'Target build stage' }],
  },
  { name: 'targets', description: 'List all targets current build supports', opts: [] },
  { name: 'subrequests.describe', description: 'List available subrequest types', opts: null },
]

const RESULTS = ['result.json', 'result.txt'].map((name) => ({ name, description: '' }))

/** What can be asked for, as `docker buildx build --call=subrequests.describe` prints it. */
export function renderDescription(format: 'text' | 'json'): Answer {
  if (format === 'json') {
    const listed = CALLS.map(({ name, description, opts }) => ({
      name: `frontend.${name}`,
      version: '1.0.0',
      type: 'rpc',
      description,
      opts,
      inputs: null,
      metadata: RESULTS,
      refs: null,
    }))
    return { out: `${goJson(listed, 2)}\n`, code: 0 }
  }
  const rows = CALLS.map(({ name, description }) => `${name}\t1.0.0\t${description}`)
  return {
    out: `${alignColumns(['NAME\tVERSION\tDESCRIPTION', ...rows].join('\n'), { minimum: 0, padding: 1 })}\n`,
    code: 0,
  }
}
