import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs, styleText } from 'node:util';
import { sql } from 'kysely';
import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';
import { openDatabase, type LedgerDatabase } from '@penstock/db/database';
import { on } from '@penstock/db/handler';
import { migrate } from '@penstock/db/migrate';
import { startEmbeddedPostgres } from '@penstock/local/embedded-postgres';
import { keepStorage } from '@penstock/worker/keep-storage';
import { processWebhook } from '@penstock/worker/process-webhook';
import { processWorld } from '@penstock/worker/testing/process-world';

const usage = `Usage: pnpm bench:prune [--events N] [--json]

Whether retention keeps up with what comes in. Events are written as a worker
writes them, and again by one statement a table, which is as fast as PostgreSQL
can; each has a body of 1.4 kB, a delivery, a handler's record, a message of
the outbox and its delivery. Then all of it is past its retention and pruned.
On a PostgreSQL of its own, with its defaults.

  --events N  written each way (default 20000)
  --json      for machines

Exit code 1 where pruning is slower than the worker's writing.
`;

/** As many as a worker's connections. */
const CONCURRENCY = 10;

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '20000' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(usage);
else process.exitCode = await main(Number(values.events));

async function main(events: number): Promise<number> {
  if (!Number.isSafeInteger(events) || events < 100) {
    process.stderr.write(usage);
    return 64;
  }
  const dir = mkdtempSync(path.join(tmpdir(), 'penstock-prune-'));
  // PostgreSQL does not run as root, and its account must reach its data.
  chmodSync(dir, 0o755);
  try {
    await using postgres = await startEmbeddedPostgres({ dataDir: path.join(dir, 'postgres') });
    await using db = openDatabase({ url: postgres.url, poolMax: CONCURRENCY, applicationName: 'penstock-bench' });
    await migrate(db);
    const worker = await timed(events, () => writeAsWorker(db, events));
    const setWise = await timed(events, () => writeSetWise(db, events));
    await sql`
      insert into outbox_deliveries (outbox_id, destination, state, finished_at)
      select id, 'somewhere', 'delivered', now() from outbox`.execute(db);
    // Long after, when all of it may go.
    const later = new Date(Date.now() + 500 * 86_400_000);
    const pruned = await timed(events * 2, async () => {
      await keepStorage({ db, now: async () => later, retentionDays: 400 });
    });
    await assertGone(db, events * 2);
    const ratio = pruned / worker;
    const result = { events, worker, setWise, pruned, ratio, ratioToSetWise: pruned / setWise };
    if (values.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    else report(result);
    return ratio >= 1 ? 0 : 1;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function report(result: Readonly<Record<'worker' | 'setWise' | 'pruned' | 'ratio' | 'ratioToSetWise', number>>): void {
  const line = (what: string, perSecond: number) =>
    process.stdout.write(`${what.padEnd(44)} ${Math.round(perSecond).toString().padStart(8)} events/s\n`);
  line('written as one worker writes', result.worker);
  line('written by one statement a table', result.setWise);
  line('pruned', result.pruned);
  const said = `pruning is ${result.ratio.toFixed(1)} times as fast as a worker writes, ${result.ratioToSetWise.toFixed(1)} times as one statement a table`;
  process.stdout.write(`${styleText(result.ratio >= 1 ? 'green' : 'red', said)}\n`);
}

async function timed(events: number, work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return events / ((performance.now() - started) / 1_000);
}

async function writeAsWorker(db: LedgerDatabase, events: number): Promise<void> {
  const handlers = [
    on('*', 'tell', async ({ outbox }) => {
      await outbox({ topic: 'told', key: 'one', payload: { told: true } });
    }),
  ];
  const endpoints = new Map([['stripe', { settings: {}, confirm: null }]]);
  const world = processWorld(db, { handlers, endpoints, handlerMs: 30_000 });
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < events) {
      const data = aDelivery(next);
      next += 1;
      const processed = await processWebhook({ jobId: data.eventId, data, attempt: 1 }, world);
      if (processed.kind !== 'ended') throw new Error(`an event was not processed: ${JSON.stringify(processed)}`);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, lane));
}

async function writeSetWise(db: LedgerDatabase, events: number): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await sql`
      insert into ledger (account, provider_event_id, endpoint, provider, job_id, body_sha256, state, finished_at, received_at, request_id)
      select 'acme', 'set_' || n, 'stripe', 'stripe', 'stripe.set_' || n, sha256(n::text::bytea), 'processed', now(), now(), 'r'
      from generate_series(1, ${events}) n`.execute(tx);
    const written = sql`from ledger where provider_event_id like 'set\\_%'`;
    await sql`
      insert into events (id, account, endpoint, provider, provider_event_id, type, shape, received_at, recorded_at, tier, key_id, request_id, origin, body_sha256, body)
      select id, account, endpoint, provider, provider_event_id, 't', 'event', received_at, stored_at, 'full', 'k', 'r', 'webhook', body_sha256,
             convert_to(repeat(md5(id::text), 44), 'utf8') ${written}`.execute(tx);
    await sql`
      insert into deliveries (ledger_id, received_at, delivery_id, kind, endpoint, key_id, request_id, body_sha256, recorded_at)
      select id, received_at, gen_random_uuid(), 'first', endpoint, 'k', 'r', body_sha256, received_at ${written}`.execute(
      tx,
    );
    await sql`
      insert into handler_runs (ledger_id, handler, version, state, attempts, duration_ms)
      select id, 'tell', 1, 'done', 1, 1 ${written}`.execute(tx);
    await sql`insert into outbox (ledger_id, topic, key, payload) select id, 'told', 'one', '{"told": true}' ${written}`.execute(
      tx,
    );
  });
}

function aDelivery(number: number): Delivery {
  const eventId = `evt_${number}`;
  const body = Buffer.from(
    JSON.stringify({
      id: eventId,
      object: 'event',
      type: 'customer.created',
      created: 1_790_000_000,
      livemode: false,
      data: { object: {} },
      text: 'x'.repeat(1_260),
    }),
  );
  return {
    v: 1,
    deliveryId: randomUUID(),
    endpoint: 'stripe',
    provider: 'stripe',
    account: 'acme',
    eventId,
    type: 'customer.created',
    shape: 'event',
    occurredAt: null,
    receivedAt: new Date().toISOString(),
    livemode: false,
    apiVersion: null,
    providerAccount: null,
    tier: 'full',
    keyId: 'key-1',
    transmissionId: null,
    requestId: randomUUID(),
    contentType: 'application/json',
    origin: 'webhook',
    bodySha256: sha256Hex(body),
    body: encodeBody(body),
  };
}

/** A rate of what was not done is none. */
async function assertGone(db: LedgerDatabase, events: number): Promise<void> {
  const { rows } = await sql<{ left: number; known: number }>`
    select ((select count(*) from events) + (select count(*) from deliveries) + (select count(*) from handler_runs)
            + (select count(*) from outbox) + (select count(*) from outbox_deliveries))::int as left,
           (select count(*) from ledger)::int as known`.execute(db);
  const [row] = rows;
  if (row?.left !== 0 || row.known !== events)
    throw new Error(`after pruning ${row?.left} rows were left, and ${row?.known} of ${events} ids known`);
}
