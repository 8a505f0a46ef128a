import type { JobsOptions, PgPool } from 'bullmq';
import type { AddJobs, NewJob } from './add-jobs-together.ts';

/**
 * More than so many are added as a set. For a set BullMQ makes two temporary
 * tables: five milliseconds, whether it holds one job or forty, where a job by
 * itself costs a third of one.
 */
const ONE_BY_ONE_MAX = 24;

/** What is needed of BullMQ's queue. */
interface BulkQueue {
  readonly name: string;
  readonly addBulk: (
    jobs: { name: string; data: unknown; opts: JobsOptions & { readonly jobId: string } }[],
  ) => Promise<unknown>;
}

/**
 * Adds many jobs by one statement, so that all of them are added or none:
 * BullMQ's own function for one job, unchanged, for each, or its own for a set
 * where they are many. What is stored is what BullMQ's `add` stores, but for the
 * id that it repeats among the options (add-jobs-to-postgres.test.ts compares).
 */
export function addJobsToPostgres(pool: PgPool, queue: BulkQueue): AddJobs {
  return async (jobs, options) => {
    if (jobs.length > ONE_BY_ONE_MAX)
      await queue.addBulk(jobs.map(({ jobId, name, data }) => ({ name, data, opts: { ...options, jobId } })));
    else await addEach(pool, { queue: queue.name, jobs, options });
    const { rows } = await pool.query<{ readonly id: string; readonly name: string }>(
      'select id, name from job where queue = $1 and id = any($2)',
      [queue.name, jobs.map(({ jobId }) => jobId)],
    );
    const names = new Map(rows.map(({ id, name }) => [id, name]));
    // Gone already means finished already: it was ours, and was taken while we looked.
    return jobs.map(({ jobId, name }) => names.get(jobId) ?? name);
  };
}

async function addEach(
  pool: PgPool,
  { queue, jobs, options }: { readonly queue: string; readonly jobs: readonly NewJob[]; readonly options: JobsOptions },
): Promise<void> {
  await pool.query(
    `select add_job($1, id, name, data::jsonb, $5::jsonb, $6, 0, $7, $8, null, null, null, null, null, false)
     from unnest($2::text[], $3::text[], $4::text[]) as jobs(id, name, data)`,
    [
      queue,
      jobs.map(({ jobId }) => jobId),
      jobs.map(({ name }) => name),
      jobs.map(({ data }) => JSON.stringify(data)),
      JSON.stringify(options),
      options.priority ?? 0,
      Date.now(),
      options.attempts ?? 1,
    ],
  );
}
