import { sql } from 'kysely';
import { providerNamed } from '@penstock/core/providers/registry';
import { openDatabase, type LedgerDatabase } from '@penstock/db/database';
import { rebuild } from '@penstock/worker/rebuild';
import { processorTime } from './processor-time.ts';
import type { Measurement, Round } from './report.ts';
import type { BenchServices } from './services.ts';
import { stripeEvents } from './stripe-requests.ts';

export const rebuildVariants = ['rebuild-adopt', 'rebuild-check'] as const;
export type RebuildVariant = (typeof rebuildVariants)[number];

/** Events are written by one statement for so many. */
const FILL_BATCH = 5_000;

/**
 * How fast projections are folded anew from the stored events: with nothing in
 * the live tables, all of it being written there (`rebuild-adopt`), and compared
 * with live tables that are right (`rebuild-check`).
 */
export async function benchRebuild(
  variant: RebuildVariant,
  given: { readonly services: BenchServices; readonly round: Round; readonly onDone: (measured: Measurement) => void },
): Promise<void> {
  const { services, round } = given;
  const url = await services.createDatabase();
  await using db = openDatabase({ url, poolMax: 2, applicationName: 'penstock-bench' });
  await fill(db, round.events);
  const world = { db, provider: providerNamed, settingsOf: () => ({}) };
  const run = async (how: { readonly adopt: boolean }) =>
    rebuild(world, { schema: 'penstock_rebuild', adopt: how.adopt, keep: false });
  if (variant === 'rebuild-check') await run({ adopt: true });
  const processes = { ...services.processes, worker: process.pid };
  const [began, before] = [performance.now(), processorTime(processes)];
  const { events, differences } = await run({ adopt: variant === 'rebuild-adopt' });
  const [ended, after] = [performance.now(), processorTime(processes)];
  const cost =
    before === null || after === null
      ? null
      : {
          worker: (after.worker - before.worker) / events,
          postgres: (after.postgres - before.postgres) / events,
          redis: (after.redis - before.redis) / events,
          walBytes: 0,
        };
  const wrong =
    variant === 'rebuild-check' ? differences.filter((each) => each.missing + each.unexpected + each.changed > 0) : [];
  given.onDone({
    name: variant,
    perSecond: (events / (ended - began)) * 1_000,
    lost: round.events - events,
    failed: wrong.length,
    latency: null,
    cost,
  });
}

/** Events as a worker leaves them, but for what is folded of them. */
async function fill(db: LedgerDatabase, count: number): Promise<void> {
  const events = stripeEvents(count);
  for (let at = 0; at < count; at += FILL_BATCH) {
    const batch = events.slice(at, at + FILL_BATCH);
    await sql`
      with given as (
        select id, type, convert_to(body, 'UTF8') as body
        from json_to_recordset(${JSON.stringify(batch.map(({ id, type, body }) => ({ id, type, body: body.toString() })))}::json)
             as given (id text, type text, body text)),
      entered as (
        insert into ledger (account, provider_event_id, endpoint, provider, job_id, body_sha256, received_at, request_id,
                            state, finished_at, attempts)
        select 'stripe', id, 'stripe', 'stripe', 'stripe.' || id, sha256(body), now(), id, 'processed', now(), 1
        from given
        returning id, provider_event_id, stored_at)
      insert into events (id, account, endpoint, provider, provider_event_id, type, shape, received_at, recorded_at, tier,
                          key_id, request_id, origin, body_sha256, body)
      select entered.id, 'stripe', 'stripe', 'stripe', provider_event_id, type, 'event', now(), stored_at, 'full', 'key',
             given.id, 'webhook', sha256(body), body
      from entered join given on given.id = entered.provider_event_id`.execute(db);
  }
  await sql`analyze`.execute(db);
}
