import { sql } from 'kysely';
import type { Connection } from './database.ts';

/**
 * How far the standbys are behind: the slowest's time from commit to replay, in
 * seconds. Null without standbys, and where the role may not see it
 * (pg_monitor). Source: PostgreSQL, pg_stat_replication.
 */
export async function replicationOf(
  db: Connection,
): Promise<{ readonly replicas: number; readonly lagSeconds: number | null }> {
  const { rows } = await sql<{ replicas: number; lag: number | null }>`
    select count(*)::int as replicas,
      max(case when state is null then null else extract(epoch from coalesce(replay_lag, interval '0')) end)::float8 as lag
    from pg_stat_replication`.execute(db);
  return { replicas: rows[0]?.replicas ?? 0, lagSeconds: rows[0]?.lag ?? null };
}
