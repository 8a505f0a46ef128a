import type { PgPool } from 'bullmq';
import { priorities } from './lanes.ts';
import type { RedisClient } from './redis.ts';

/** BullMQ's set of jobs with a priority is sorted by it, times this, and by order of coming. */
const PRIORITY_SPAN = 2 ** 32;

const inSet = Object.values(priorities).filter((priority) => priority > 0);

/**
 * When the job was added that has waited longest, in whichever lane: what waits
 * behind others is looked at too. Only times are read: a job may hold
 * megabytes. `toKey` makes BullMQ's keys.
 */
export async function oldestInRedis(redis: RedisClient, toKey: (name: string) => string): Promise<Date | null> {
  const heads = await Promise.all([
    // The list's tail is taken next.
    redis.lrange(toKey('wait'), -1, -1),
    ...inSet.map((priority) =>
      redis.zrange(
        toKey('prioritized'),
        priority * PRIORITY_SPAN,
        `(${(priority + 1) * PRIORITY_SPAN}`,
        'BYSCORE',
        'LIMIT',
        0,
        1,
      ),
    ),
  ]);
  const times = await Promise.all(heads.flat().map((jobId) => redis.hget(toKey(jobId), 'timestamp')));
  // One that was taken in between has none where it is gone already.
  const known = times.filter((time) => time !== null).map(Number);
  return known.length === 0 ? null : new Date(Math.min(...known));
}

/** The same of a queue in PostgreSQL, by the index that workers take jobs by. BullMQ's own listing would read the body too. */
export async function oldestInPostgres(pool: PgPool, queue: string): Promise<Date | null> {
  const { rows } = await pool.query<{ readonly oldest: string | null }>(
    `select min(head.added_at_ms) as oldest from unnest($2::int[]) as lane (priority), lateral (
       select added_at_ms from job where queue = $1 and state = 'waiting' and job.priority = lane.priority
       order by seq limit 1
     ) as head`,
    [queue, Object.values(priorities)],
  );
  const oldest = rows[0]?.oldest ?? null;
  return oldest === null ? null : new Date(Number(oldest));
}
