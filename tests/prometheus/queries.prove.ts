import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { boards } from '@penstock/grafana/boards';
import { answeredInTime } from '@penstock/runtime/answered-in-time';
import { alertsIn, metricNamesIn, recordsIn } from '../harness/promql.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestIngest } from '../harness/system.ts';
import { until } from '../harness/until.ts';
import { requirePrometheus, startPrometheus, type RunningPrometheus } from './prometheus.ts';

const root = path.join(import.meta.dirname, '../..');
const rules = path.join(root, 'deploy/prometheus');
const read = (file: string): string => readFileSync(path.join(rules, file), 'utf8');

/** What may be empty here, with the reason. An expression that holds one of these need give nothing. */
const legitimatelyEmpty: readonly (readonly [part: string, reason: string])[] = [
  ['penstock_replayed_events_total', 'nothing is replayed'],
  ['penstock_overflow_total', 'no source sends more than its rate'],
  ['penstock_turned_away', 'no bound is reached'],
  ['penstock_rate_limit', 'no endpoint has a limit of its own'],
  ['penstock_conflict_fetches_total', 'nothing contradicts'],
  ['penstock_confirmations_total', 'signatures prove enough'],
  ['http_client_request_duration_seconds', 'no provider is asked'],
  ['penstock_api_keys_total', 'nobody asks the read API'],
  ['penstock_console_logins_total', 'nobody logs in'],
  ['replica_lag', 'there is no replica'],
  ['penstock_months_dropped_total', 'no month is old enough'],
  ['penstock_rows_pruned_total', 'no row is old enough'],
  ['_reversed', 'nothing is taken back'],
  ['error_type!=""', 'no statement fails'],
  ['http_response_status_code=~"5.."', 'nothing of ours fails'],
  ['penstock_peer_up', 'Prometheus asks each process by itself'],
  ['penstock_spool_', 'the queue is never away'],
];

const stack = new AsyncDisposableStack();
let prometheus: RunningPrometheus;

beforeAll(async () => {
  requirePrometheus();
  const system = stack.use(
    await createTestSystem('redis', {
      PENSTOCK_CONFIG: 'tests/prometheus/prove.config.ts',
      RECEIVER_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
      CANARY_SECRET: `whsec_${Buffer.alloc(32, 9).toString('base64')}`,
    }),
  );
  const ingest = stack.use(await system.startIngest());
  const worker = stack.use(await system.startWorker({ CANARY_URL: `${ingest.url}canary` }));
  prometheus = stack.use(await startPrometheus([ingest.healthUrl, worker.healthUrl].map((url) => new URL(url).host)));
  // Rates need values before and after.
  for (const round of [1, 2, 3]) await load(ingest, round);
  await until(async () => (await prometheus.query('penstock:processed_late:ratio_rate5m')).length > 0, {
    what: 'the rules to be evaluated over what happened',
  });
});
afterAll(() => stack.disposeAsync());

const panels = boards.flatMap(({ title, rows }) =>
  rows.flatMap((row) =>
    row.panels.flatMap((panel) => panel.queries.map(({ expr }) => ({ at: `${title}, ${panel.title}`, expr }))),
  ),
);

describe('every query', () => {
  test.each(panels)('of a panel gives data: $at: $expr', async ({ expr }) => {
    await expectData(withVariables(expr));
  });

  test.each(recordsIn(read('rules.yml')))('of a recording rule gives data: %s', async (record) => {
    await expectData(record);
  });

  test.each(alertsIn(read('alerts.yml')))(
    'of the alert $name is understood, and its metrics are there',
    async ({ expr }) => {
      await prometheus.query(expr);
      for (const name of new Set(metricNamesIn(expr))) await expectData(name);
    },
  );
});

test('the questions of pnpm sla report have answers', async () => {
  const question = { url: prometheus.url, rangeMs: 5 * 60_000, askMs: 10_000 };
  const answered = await until(
    async () => {
      const { endpoints, types } = await answeredInTime({ ...question, to: new Date() });
      return endpoints.length > 0 && types.length > 0 && { endpoints, types };
    },
    { what: 'increases over the scrapes', deadlineMs: 20_000 },
  );
  expect(answered.endpoints.map(({ endpoint }) => endpoint)).toEqual(['stripe']);
  expect(answered.types.map(({ type }) => type)).toEqual(expect.arrayContaining(['charge.succeeded']));
  for (const { share } of [...answered.endpoints, ...answered.types]) expect(share).toBeGreaterThan(0);
});

test('latencies come with the traces that made them', async () => {
  expect(await prometheus.exemplars('http_server_request_duration_seconds_bucket')).not.toEqual([]);
  expect(await prometheus.exemplars('penstock_received_to_processed_seconds_bucket')).not.toEqual([]);
});

test.each(readdirSync(path.join(rules, 'tests')))('promtool finds what %s says', (file) => {
  const told = execFileSync('promtool', ['test', 'rules', path.join(rules, 'tests', file)], { encoding: 'utf8' });
  expect(told).toContain('SUCCESS');
});

test("Alertmanager's example is one that it accepts", () => {
  const file = path.join(root, 'deploy/alertmanager/alertmanager.yml');
  expect(execFileSync('amtool', ['check-config', file], { encoding: 'utf8' })).toContain('SUCCESS');
});

async function expectData(expr: string): Promise<void> {
  if (legitimatelyEmpty.some(([part]) => expr.includes(part))) {
    await prometheus.query(expr);
    return;
  }
  await until(async () => (await prometheus.query(expr)).length > 0, { what: `data of ${expr}` });
}

/** As Grafana fills them in. */
function withVariables(expr: string): string {
  return expr
    .replaceAll('$__rate_interval', '1m')
    .replaceAll('$__range', '5m')
    .replaceAll(/\$(?:environment|endpoint|provider)\b/g, '.*');
}

/** Something of everything that can happen to a webhook. */
async function load(ingest: TestIngest, round: number): Promise<void> {
  const traceparent = `00-4bf92f3577b34da6a3ce929d0e0e473${round}-00f067aa0ba902b7-01`;
  const charge = (id: string, refunded: number) => ({
    id,
    object: 'charge',
    amount: 1_000,
    amount_captured: 1_000,
    amount_refunded: refunded,
    captured: true,
    currency: 'eur',
    paid: true,
    refunded: false,
    status: 'succeeded',
    payment_intent: null,
  });
  const id = `ch_${round}`;
  const succeeded = aStripeEvent({ type: 'charge.succeeded', object: charge(id, 0) });
  const dispute = {
    id: `dp_${round}`,
    object: 'dispute',
    charge: id,
    amount: 500,
    currency: 'eur',
    status: 'needs_response',
    reason: 'fraudulent',
  };
  const bodies = [
    succeeded.body,
    succeeded.body,
    aStripeEvent({ id: succeeded.id, type: 'charge.succeeded', object: charge(id, 1) }).body,
    aStripeEvent({ type: 'charge.refunded', object: charge(id, 300) }).body,
    aStripeEvent({ type: 'charge.dispute.created', object: dispute }).body,
    aStripeEvent({ type: 'customer.updated' }).body,
    aStripeEvent({ type: 'made.up' }).body,
  ];
  for (const body of bodies) await postStripe(ingest, body, { headers: { traceparent } });
  await postStripe(ingest, aStripeEvent().body, { secret: 'whsec_another_secret_than_ours' });
  // The next round's values must come with a later scrape.
  await until(async () => countOf(await prometheus.query(`sum(penstock_dead_letters_total) >= ${round}`)) > 0, {
    what: `round ${round} to be scraped`,
  });
}

function countOf(result: readonly unknown[]): number {
  return result.length;
}
