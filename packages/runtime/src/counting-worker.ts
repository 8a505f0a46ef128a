import {
  Worker,
  type ConnectionOptions,
  type IQueueBackend,
  type Job,
  type JobJson,
  type JobProgress,
  type RedisQueueBackend,
} from 'bullmq';

/**
 * BullMQ's worker, which says how large each job is that it has taken: it takes
 * as many as it may have in hand before it begins the first of them.
 */
export class CountingWorker<
  Backend extends IQueueBackend = RedisQueueBackend,
  Connection = ConnectionOptions,
> extends Worker<unknown, string, string, Backend, JobProgress, Connection> {
  /** Told of each job that is taken, with the length of its data as they lie in the queue. */
  onTaken: (job: Job<unknown, string>, characters: number) => void = () => undefined;

  protected override createJob(data: JobJson, jobId: string): Job<unknown, string> {
    const job = super.createJob(data, jobId);
    this.onTaken(job, data.data.length);
    return job;
  }
}
