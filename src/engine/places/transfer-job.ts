import { isDigest, type Job } from '../../core/index.ts'

/** A job that shows layers as parts of one transfer, by the beginnings of their digests; manifests are not shown. */
export function transferJob(job: Job, task: string): Job {
  return {
    ...job,
    progress: (event) => {
      if (event.type !== 'started' || !isDigest(event.task) || event.parent !== undefined) return job.progress(event)
      if (event.name !== 'layer') return
      job.progress({ ...event, name: event.task.slice(7, 19), parent: task })
    },
  }
}
