import { randomUUID } from 'node:crypto';
import { sha256Hex, type Delivery } from '@penstock/core/delivery';
import { toFailure } from '@penstock/core/failure';
import { createMetrics } from '@penstock/runtime/metrics';
import { expect, test } from 'vitest';
import { countProcessed } from './count-processed.ts';
import type { Processed } from './process-webhook.ts';

const delivery: Delivery = {
  v: 1,
  deliveryId: randomUUID(),
  endpoint: 'stripe',
  provider: 'stripe',
  account: 'stripe',
  eventId: 'evt_1',
  type: 'charge.succeeded',
  shape: 'event',
  occurredAt: null,
  receivedAt: '2026-01-01T00:00:00.000Z',
  livemode: false,
  apiVersion: null,
  providerAccount: null,
  tier: 'full',
  keyId: 'key',
  transmissionId: null,
  requestId: 'request',
  contentType: null,
  origin: 'sweep',
  bodySha256: sha256Hex(Buffer.alloc(0)),
  body: { encoding: 'utf8', data: '' },
};
const ended: Processed = { kind: 'ended', outcome: 'processed', delivery, handlers: [], moved: [] };
const now = new Date('2026-01-02T00:00:00.000Z');

async function counted(processed: Processed, replayed: boolean): Promise<string> {
  const metrics = createMetrics({ process: 'worker', version: '0', environment: 'test' });
  countProcessed(metrics, processed, { number: 1, replayed, now });
  return metrics.registry.metrics();
}

test('an event that a replay gave back is not counted as late a second time; one that the sweeper gave back is', async () => {
  const late = /^penstock_received_to_processed_seconds_count\{.*\} 1$/m;
  expect(await counted(ended, false)).toMatch(late);
  const replayed = await counted(ended, true);
  expect(replayed).not.toMatch(late);
  expect(replayed).toMatch(/^penstock_events_total\{.*outcome="processed".*\} 1$/m);
});

test('a death is told with whose matter it is, and whether a replay had given the event back', async () => {
  const error = Object.assign(new Error('no'), { code: 'malformed_event' });
  const failed: Processed = {
    kind: 'failed',
    delivery,
    handlers: [{ kind: 'failed', handler: 'grant', version: 1, durationMs: 1, failure: toFailure(error), error }],
    moved: [],
    failure: toFailure(error, { handler: 'grant' }),
    next: { kind: 'dead', reason: 'retries_exhausted' },
    error,
  };
  expect(await counted(failed, true)).toMatch(
    /^penstock_dead_letters_total\{.*class="handler",code="malformed_event",replayed="true".*\} 1$/m,
  );
  expect(await counted({ ...failed, handlers: [] }, false)).toMatch(
    /^penstock_dead_letters_total\{.*class="malformed",code="malformed_event",replayed="false".*\} 1$/m,
  );
});
