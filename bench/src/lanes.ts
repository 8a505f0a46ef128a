import { setTimeout as delay } from 'node:timers/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';
import { chooseLanes } from '@penstock/ingest/overflow';
import { startRedisServer } from '@penstock/local/redis-server';
import { consumeWebhooks } from '@penstock/runtime/webhook-consumer';
import type { QueueLocation } from '@penstock/runtime/queue-location';
import type { Lane } from '@penstock/runtime/lanes';
import { openWebhookQueue } from '@penstock/runtime/webhook-queue';

const usage = `Usage: pnpm bench:lanes [--seconds N] [--json]

How long a quiet endpoint's events take from the queue to their end while
another endpoint sends fifty times as many, more than the worker can do: with
lanes and without. A real Redis, one consumer whose every event takes 5 ms.

  --seconds N  of each measurement   (default 10)
  --json       for machines

Exit code 1 where lanes do not make the quiet endpoint's p99 at least five
times better.
`;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const QUIET_PER_SECOND = 8;
const STORM_PER_SECOND = 50 * QUIET_PER_SECOND;
/** Two at once, 5 ms each and a little more: some 300 a second. */
const WORK_MS = 5;
const CONCURRENCY = 2;

interface Measured {
  readonly quietEvents: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly stormDone: number;
}

if (values.help) process.stdout.write(usage);
else process.exitCode = await main(Number(values.seconds));

async function main(seconds: number): Promise<number> {
  const dir = mkdtempSync(path.join(tmpdir(), 'penstock-lanes-'));
  try {
    await using redis = await startRedisServer({ dir: path.join(dir, 'redis') });
    const location = (name: string): QueueLocation => ({ backend: 'redis', url: redis.url, name });
    const without = await measure(location('without'), { seconds, laneOf: () => 'live' });
    // An eighth of what the worker can do is each endpoint's share.
    const laneOf = chooseLanes({ ratePerSecond: 40, burst: 80, clock: () => performance.now() });
    const withLanes = await measure(location('with'), { seconds, laneOf });
    const better = without.p99Ms / withLanes.p99Ms;
    const report = { seconds, without, with: withLanes, p99Better: better };
    process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : tell(report));
    return better >= 5 ? 0 : 1;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function measure(
  location: QueueLocation,
  given: { readonly seconds: number; readonly laneOf: (deliveries: readonly Delivery[]) => Lane },
): Promise<Measured> {
  await using queue = openWebhookQueue(location);
  await queue.connected();
  const addedAt = new Map<string, number>();
  const tookMs: number[] = [];
  let stormDone = 0;
  await using _consumer = consumeWebhooks({
    location,
    concurrency: CONCURRENCY,
    lockMs: 30_000,
    onAbandoned: async () => undefined,
    onError: () => undefined,
    attempt: async ({ jobId }) => {
      await delay(WORK_MS);
      const at = addedAt.get(jobId);
      if (at === undefined) stormDone += 1;
      else tookMs.push(performance.now() - at);
      return { kind: 'done', outcome: 'processed' };
    },
  });
  const send = async (endpoint: string, perSecond: number): Promise<void> => {
    const began = performance.now();
    for (let sent = 0; performance.now() - began < given.seconds * 1_000; sent += 1) {
      const delivery = aDelivery(endpoint);
      if (endpoint === 'quiet') addedAt.set(`${endpoint}.${delivery.eventId}`, performance.now());
      await queue.add([delivery], { lane: given.laneOf([delivery]) });
      const dueMs = began + ((sent + 1) * 1_000) / perSecond - performance.now();
      if (dueMs > 1) await delay(dueMs);
    }
  };
  await Promise.all([send('quiet', QUIET_PER_SECOND), send('storm', STORM_PER_SECOND)]);
  const deadline = performance.now() + 60_000;
  while (tookMs.length < addedAt.size && performance.now() < deadline) await delay(20);
  tookMs.sort((one, other) => one - other);
  return { quietEvents: tookMs.length, p50Ms: quantile(tookMs, 0.5), p99Ms: quantile(tookMs, 0.99), stormDone };
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function aDelivery(endpoint: string): Delivery {
  const body = Buffer.from('{}');
  return {
    v: 1,
    deliveryId: randomUUID(),
    endpoint,
    provider: 'stripe',
    account: endpoint,
    eventId: `evt_${randomUUID().replaceAll('-', '')}`,
    type: 'customer.created',
    shape: 'event',
    occurredAt: null,
    receivedAt: new Date().toISOString(),
    livemode: false,
    apiVersion: null,
    providerAccount: null,
    tier: 'full',
    keyId: 'key-0a1b2c',
    transmissionId: null,
    requestId: randomUUID(),
    contentType: 'application/json',
    origin: 'webhook',
    bodySha256: sha256Hex(body),
    body: encodeBody(body),
  };
}

function tell(report: { readonly without: Measured; readonly with: Measured; readonly p99Better: number }): string {
  const line = (name: string, { quietEvents, p50Ms, p99Ms, stormDone }: Measured): string =>
    `${name.padEnd(14)} quiet: p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms over ${quietEvents} events; storm: ${stormDone} done meanwhile\n`;
  return `${line('without lanes', report.without)}${line('with lanes', report.with)}p99 is ${report.p99Better.toFixed(1)} times better with lanes\n`;
}
