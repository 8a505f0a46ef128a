import { expect, test } from 'vitest';
import { scrape } from './harness/samples.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestIngest } from './harness/system.ts';

test('two ingests share a port and its connections; when one stops, the other takes all, and no event that was acknowledged is missing', async () => {
  await using system = await createTestSystem('redis', { PORT_SHARED: 'true' });
  await using one = await system.startIngest();
  await using other = await system.startIngest({ PORT: new URL(one.url).port });
  expect(other.url).toBe(one.url);

  const acknowledged = [...(await post(one, 64))];
  const [taken, alsoTaken] = await Promise.all([answeredBy(one), answeredBy(other)]);
  expect(taken).toBeGreaterThan(0);
  expect(alsoTaken).toBeGreaterThan(0);
  expect(taken + alsoTaken).toBe(64);

  const stopping = one.stop();
  acknowledged.push(...(await post(other, 32)));
  expect(await stopping).toEqual({ code: 0, signal: null });
  acknowledged.push(...(await post(other, 8)));
  const places = await Promise.all(acknowledged.map((id) => system.queue.placeOf(`stripe.${id}`)));
  expect(new Set(places)).toEqual(new Set(['waiting']));
});

test('a port that is to be shared has to be named', async () => {
  await using system = await createTestSystem('redis', { PORT_SHARED: 'true' });
  await expect(system.startIngest({ PORT: '' })).rejects.toThrow('PORT_SHARED needs PORT');
});

/** Each over a connection of its own, and again where that is reset, as a provider would. The ids that were acknowledged. */
async function post(ingest: TestIngest, count: number): Promise<readonly string[]> {
  const events = Array.from({ length: count }, () => aStripeEvent());
  await Promise.all(
    events.map(async ({ body }) => {
      const send = () => postStripe(ingest, body, { headers: { connection: 'close' } });
      const answer = await send().catch(send);
      expect(answer.status).toBe(200);
    }),
  );
  return events.map(({ id }) => id);
}

async function answeredBy(ingest: TestIngest): Promise<number> {
  const sample = await scrape(ingest.healthUrl);
  return sample('http_server_request_duration_seconds_count', { http_response_status_code: '200' }) ?? 0;
}
