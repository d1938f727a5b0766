import { type Job, runTask } from '../../../core/index.ts'
import { isIndexType } from '../../../oci/index.ts'
import type { PackedBuild } from './pack.ts'

/** Where an output reports: the job, and the task whose parts it names. */
export interface OutputTask {
  task: string
  job: Job
}

/** Shows a part of an output that is done: `naming to ...`. */
export function say(name: string, { task, job }: OutputTask): Promise<void> {
  return runTask(job, { id: `${task} ${name}`, name, parent: task }, async () => {})
}

/** Shows the documents of an image, as BuildKit does. */
export async function announce({ root, images }: PackedBuild, task: OutputTask): Promise<void> {
  for (const { descriptor, id } of images) {
    await say(`exporting manifest ${descriptor.digest}`, task)
    await say(`exporting config ${id}`, task)
  }
  if (isIndexType(root.mediaType)) await say(`exporting manifest list ${root.digest}`, task)
}
