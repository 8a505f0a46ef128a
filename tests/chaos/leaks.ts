import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { until } from '../harness/until.ts';
import { persist } from './ledger-questions.ts';
import type { Stand } from './stand.ts';

/** How many connections each program holds to Redis once it has opened all that it needs. */
export async function redisConnectionsAtRest(stand: Stand): Promise<ReadonlyMap<string, number>> {
  let last = '';
  let since = performance.now();
  for (;;) {
    const counts = redisConnections(stand);
    const text = JSON.stringify([...counts]);
    if (text !== last) [last, since] = [text, performance.now()];
    if (performance.now() - since > AT_REST_MS) return counts;
    await sleep(50);
  }
}

/** A program opens all of its connections within moments of each other. */
const AT_REST_MS = 1_500;

function redisConnections({ programs, redisLinks }: Stand): ReadonlyMap<string, number> {
  return new Map(redisLinks.map((link, index) => [programs[index]?.name ?? '', link.connections()]));
}

/** DATABASE_POOL_MAX by default, and the two pools of the PostgreSQL queue where it is used. */
const POSTGRES_CONNECTIONS_MAX = { redis: 10, postgres: 40 };

/** What holds more connections than it should, now that nothing is the matter. */
export async function leaksOfRunning(stand: Stand, atStart: ReadonlyMap<string, number>): Promise<readonly string[]> {
  const leaks: string[] = [];
  for (const [name, before] of atStart) {
    const now = (): number => redisConnections(stand).get(name) ?? 0;
    // One that was cut comes back within a second.
    await until(() => now() === before, { what: '', deadlineMs: 5_000 }).catch(() =>
      leaks.push(`${name} holds ${now()} connections to Redis, and held ${before} when it started`),
    );
  }
  const most = POSTGRES_CONNECTIONS_MAX[stand.location.backend];
  for (const [index, link] of stand.postgresLinks.entries())
    if (link.connections() > most)
      leaks.push(
        `${stand.programs[index]?.name} holds ${link.connections()} connections to PostgreSQL, more than ${most}`,
      );
  const { rows } = await persist(() =>
    sql<{ name: string }>`select application_name as name from pg_stat_activity
      where application_name like 'penstock-%' and state like 'idle in transaction%' and state_change < now() - interval '5 seconds'`.execute(
      stand.db,
    ),
  );
  for (const { name } of rows) leaks.push(`${name} left a transaction open`);
  return leaks;
}

/** What is still connected though every program has ended. */
export async function leaksOfEnded({ db, redis }: Stand): Promise<readonly string[]> {
  const leaks: string[] = [];
  const left = async (): Promise<string> => {
    const { rows } = await persist(() =>
      sql<{
        name: string;
      }>`select application_name as name from pg_stat_activity where application_name like 'penstock-%'`.execute(db),
    );
    return rows.map(({ name }) => name).join(', ');
  };
  // PostgreSQL notices a closed socket when it next reads from it.
  await until(async () => (await left()) === '', { what: '', deadlineMs: 5_000 }).catch(async () =>
    leaks.push(`PostgreSQL still serves ${await left()}`),
  );
  if (redis !== null)
    await until(async () => (await redis.clients()) === 0, { what: '', deadlineMs: 5_000 }).catch(async () =>
      leaks.push(`Redis still serves ${await redis.clients()} clients`),
    );
  return leaks;
}
