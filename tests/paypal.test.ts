import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collideCrc32 } from '@penstock/core/providers/paypal/fixtures/crc-collision';
import { testRunDir } from '@penstock/local/test-services';
import { startPayPalSimulator, type PayPalSimulator } from '@penstock/start/paypal-simulator';
import { createTestSystem, paypalWebhookId, type TestIngest, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

describe('PayPal, end to end', () => {
  let simulator: PayPalSimulator;
  let system: TestSystem;
  let ingest: TestIngest;

  beforeAll(async () => {
    simulator = await startPayPalSimulator(new Date());
    const rootsFile = path.join(testRunDir(), `roots-${randomUUID()}.pem`);
    writeFileSync(rootsFile, simulator.rootPem);
    system = await createTestSystem('redis', { PAYPAL_SIMULATOR_URL: simulator.origin, TRUSTED_ROOTS_FILE: rootsFile });
    ingest = await system.startIngest();
    await system.startWorker();
  });
  afterAll(async () => {
    await system[Symbol.asyncDispose]();
    await simulator[Symbol.asyncDispose]();
  });

  test('a signed capture becomes a captured payment of tier partial, its transmission bound to its body', async () => {
    const { id, captureId, body } = aCapture('20.00');
    const { status, json } = await post(ingest, sign(simulator, body), body);
    expect([status, json['status']]).toEqual([200, 'accepted']);
    await processed(system, id);
    expect(await payment(system, captureId)).toEqual({ status: 'captured', amount_captured: 2_000, currency: 'USD' });
    expect(
      await system.db
        .selectFrom('events')
        .select(['tier', 'key_id'])
        .where('provider_event_id', '=', id)
        .executeTakeFirst(),
    ).toMatchObject({ tier: 'partial' });
  });

  test('a CRC32 collision of a genuine message, with another amount, is refused and recorded, and moves no money', async () => {
    const { id, captureId, body } = aCapture('20.00');
    const headers = sign(simulator, body);
    await post(ingest, headers, body);
    await processed(system, id);

    // The same CRC32, so the genuine signature covers it as well.
    const forged = collideCrc32(body, body.toString().replace('"20.00"', '"20000.00"'));
    const { status, json } = await post(ingest, headers, forged);
    expect([status, json['code']]).toEqual([409, 'event_contested']);
    const collision = await until(
      () => system.db.selectFrom('collisions').selectAll().where('provider_event_id', '=', id).executeTakeFirst(),
      { what: 'the forgery to be recorded' },
    );
    expect(collision).toMatchObject({
      kind: 'transmission_id',
      transmission_id: headers['paypal-transmission-id'],
      body: forged,
    });
    expect(await payment(system, captureId)).toEqual({ status: 'captured', amount_captured: 2_000, currency: 'USD' });
  });

  test('a CRC32 collision under a new event id is recorded as well, for its transmission was seen', async () => {
    const { id, captureId, body } = aCapture('20.00');
    const headers = sign(simulator, body);
    await post(ingest, headers, body);
    await processed(system, id);

    const otherId = `WH-${randomUUID().toUpperCase()}`;
    const forged = collideCrc32(body, body.toString().replace(id, otherId).replace('"20.00"', '"20000.00"'));
    await post(ingest, headers, forged);
    const collision = await until(
      () => system.db.selectFrom('collisions').selectAll().where('provider_event_id', '=', otherId).executeTakeFirst(),
      { what: 'the forgery to be recorded' },
    );
    expect(collision.kind).toBe('transmission_id');
    expect(
      await system.db.selectFrom('ledger').select('id').where('provider_event_id', '=', otherId).execute(),
    ).toEqual([]);
    expect(await payment(system, captureId)).toEqual({ status: 'captured', amount_captured: 2_000, currency: 'USD' });
  });

  test('one notification sent again is one event, also as a new transmission', async () => {
    const { id, body } = aCapture('5.00');
    await post(ingest, sign(simulator, body), body);
    await processed(system, id);
    const again = await post(ingest, sign(simulator, body), body);
    expect([again.status, again.json['status']]).toEqual([200, 'duplicate']);
    expect((await system.effects()).get(id)).toBe(1);
    expect(await system.db.selectFrom('collisions').select('id').where('provider_event_id', '=', id).execute()).toEqual(
      [],
    );
  });

  test('a certificate from elsewhere is refused without being fetched', async () => {
    const { body } = aCapture('1.00');
    for (const certUrl of [
      'https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1',
      'http://169.254.169.254/v1/notifications/certs/CERT-1',
      `${simulator.origin}/elsewhere`,
    ]) {
      const answer = await post(ingest, { ...sign(simulator, body), 'paypal-cert-url': certUrl }, body);
      expect([answer.status, answer.json['code']], certUrl).toEqual([401, 'certificate_untrusted']);
    }
  });

  test('a signature by an authority that nobody trusts is refused', async () => {
    await using stranger = await startPayPalSimulator(new Date());
    const { body } = aCapture('1.00');
    // The genuine certificate's address, another authority's key.
    const certUrl = sign(simulator, body)['paypal-cert-url'] ?? '';
    const answer = await post(ingest, { ...sign(stranger, body), 'paypal-cert-url': certUrl }, body);
    expect([answer.status, answer.json['code']]).toEqual([401, 'signature_mismatch']);
  });
});

function sign(simulator: PayPalSimulator, body: Buffer): Readonly<Record<string, string>> {
  return simulator.sign({ body, webhookId: paypalWebhookId, sentAt: new Date() });
}

async function post(
  ingest: { readonly url: string },
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): Promise<{ readonly status: number; readonly json: Record<string, unknown> }> {
  const response = await fetch(`${ingest.url}paypal`, { method: 'POST', headers, body: new Uint8Array(body) });
  const json: unknown = await response.json();
  return { status: response.status, json: typeof json === 'object' && json !== null ? { ...json } : {} };
}

async function processed(system: TestSystem, eventId: string): Promise<void> {
  await until(
    async () =>
      (await system.db.selectFrom('ledger').select('state').where('provider_event_id', '=', eventId).executeTakeFirst())
        ?.state === 'processed',
    { what: 'the event to be processed' },
  );
}

function payment(system: TestSystem, id: string) {
  return system.db
    .selectFrom('payments')
    .select(['status', 'amount_captured', 'currency'])
    .where('id', '=', id)
    .executeTakeFirst();
}

function aCapture(value: string): { readonly id: string; readonly captureId: string; readonly body: Buffer } {
  const id = `WH-${randomUUID().toUpperCase()}`;
  const captureId = randomUUID().replaceAll('-', '').slice(0, 17).toUpperCase();
  const event = {
    id,
    event_version: '1.0',
    create_time: '2026-03-01T11:59:58Z',
    resource_type: 'capture',
    resource_version: '2.0',
    event_type: 'PAYMENT.CAPTURE.COMPLETED',
    summary: 'Payment completed',
    resource: {
      id: captureId,
      status: 'COMPLETED',
      final_capture: true,
      amount: { currency_code: 'USD', value },
      create_time: '2026-03-01T11:59:50Z',
      update_time: '2026-03-01T11:59:50Z',
    },
    links: [],
  };
  return { id, captureId, body: Buffer.from(JSON.stringify(event)) };
}
