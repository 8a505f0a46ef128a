import { expect, test } from 'vitest';
import type { ReceiveOutcome } from '@penstock/core/outcome';
import { createLogger } from '@penstock/runtime/logger';
import { createMetrics } from '@penstock/runtime/metrics';
import { untraced } from '@penstock/runtime/tracing';
import { createIngestEvents } from './events.ts';

test('an accepted event is late after 250 ms, by its type; one in time is there with nothing, one that was refused not at all', async () => {
  const metrics = createMetrics({ process: 'ingest', version: '0', environment: 'test' });
  const logger = createLogger({ name: 'ingest', level: 'silent', maskKey: 'k' });
  const events = createIngestEvents({ logger, metrics, tracing: untraced, queueName: 'webhooks' });
  await untraced.span({ name: 'webhook', kind: 'server' }, async (span) => {
    const received = { endpoint: 'stripe', provider: 'stripe', method: 'POST', requestId: 'r', client: '::1', span };
    const tell = (durationMs: number, outcome: ReceiveOutcome) =>
      events.webhookReceived({ ...received, status: 200, at: new Date(), durationMs, outcome });
    tell(250, accepted('charge.succeeded'));
    tell(251, accepted('charge.failed', 'charge.succeeded'));
    tell(900, accepted('charge.failed'));
    tell(900, { kind: 'queue_unavailable' });
  });
  const { values } = await metrics.answeredLate.get();
  expect(values.map(({ labels, value }) => [labels.type, value])).toEqual([
    ['charge.succeeded', 1],
    ['charge.failed', 2],
  ]);
  const inTime = await metrics.events.get();
  expect(inTime.values.map(({ labels, value }) => [labels.type, value])).toEqual([
    ['charge.succeeded', 2],
    ['charge.failed', 2],
  ]);
});

function accepted(...types: readonly string[]): ReceiveOutcome {
  return {
    kind: 'accepted',
    keyId: 'STRIPE_WEBHOOK_SECRET',
    quota: null,
    events: types.map((type) => ({ eventId: 'evt_1', type, occurredAt: null, standing: 'queued' as const })),
  };
}
