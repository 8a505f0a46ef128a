import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { pageOf } from '@penstock/console/api/route';
import * as schemas from '@penstock/console/api/schemas';
import * as z from 'zod';
import { startReadApi, type TestReadApi } from './harness/read-api.ts';

let api: TestReadApi;
beforeAll(async () => {
  api = await startReadApi({
    postgresUrl: inject('postgresUrl'),
    redisUrl: inject('redisUrl'),
    name: 'read-api',
    rows: 300,
  });
});
afterAll(() => api[Symbol.asyncDispose]());

describe('what is answered', () => {
  const timelinePage = z.object({ data: z.array(schemas.timelineEntrySchema) });
  const reads = [
    { route: '/api/payments', path: '/api/payments?limit=200', schema: pageOf(schemas.paymentSchema) },
    { route: '/api/payments/{id}', path: '/api/payments/pay_7', schema: schemas.wholePaymentSchema },
    { route: '/api/payments/{id}/timeline', path: '/api/payments/pay_7/timeline', schema: timelinePage },
    { route: '/api/refunds', path: '/api/refunds', schema: pageOf(schemas.refundSchema) },
    { route: '/api/disputes', path: '/api/disputes', schema: pageOf(schemas.disputeSchema) },
    { route: '/api/payouts', path: '/api/payouts', schema: pageOf(schemas.payoutSchema) },
    { route: '/api/events', path: '/api/events?limit=200', schema: pageOf(schemas.eventSchema) },
    { route: '/api/events/{id}', path: '/api/events/5', schema: schemas.wholeEventSchema },
    { route: '/api/events/{id}/payload', path: '/api/events/5/payload', schema: schemas.payloadSchema },
    { route: '/api/outbox', path: '/api/outbox', schema: pageOf(schemas.outboxSchema) },
    { route: '/api/collisions', path: '/api/collisions', schema: pageOf(schemas.collisionSchema) },
  ];

  test.each(reads)('$route answers exactly what its schema says', async ({ path, schema }) => {
    const answer = await api.ask(path);
    const body: unknown = await answer.json();
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
    // A member that the schema lacks would be taken out by parsing.
    expect(schema.parse(body)).toEqual(body);
    if (typeof body === 'object' && body !== null && 'next' in body) expect(body).toHaveProperty('data.0');
  });

  test('the document is valid OpenAPI 3.1 and lists the served reads and no others', async () => {
    const document: unknown = await (await api.ask('/api/openapi.json')).json();
    const { valid, errors } = await new Validator().validate(z.record(z.string(), z.unknown()).parse(document));
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
    const { openapi, paths } = z
      .object({ openapi: z.string(), paths: z.record(z.string(), z.unknown()) })
      .parse(document);
    expect(openapi).toBe('3.1.0');
    expect(Object.keys(paths).toSorted()).toEqual(reads.map(({ route }) => route).toSorted());
  });

  test('the reference page tells every read, loads nothing from elsewhere and runs no script', async () => {
    const page = await api.running.ask('/api', { cookie: await api.running.logIn(), headers: { accept: 'text/html' } });
    const text = await page.text();
    expect(page.status).toBe(200);
    for (const { route } of reads) expect(text).toContain(`GET ${route}`);
    expect(text).toContain('curl -H');
    expect(text).not.toMatch(/<script|(src|href)="(https?:)?\/\//);
  });

  test('an event is told without its payload, and its payload is the exact bytes', async () => {
    const event = await (await api.ask('/api/events/5')).text();
    expect(event).not.toContain('payload of 5');
    const payload = schemas.payloadSchema.parse(await (await api.ask('/api/events/5/payload')).json());
    expect(payload.text).toBe('{"payload of 5": true}');
    expect(Buffer.from(payload.base64, 'base64').toString()).toBe(payload.text);
  });

  test('an event that is not known is a 404, and one whose bytes are no longer kept a 410', async () => {
    await api.refused('/api/events/999999', { status: 404, code: 'event_unknown' });
    await api.refused('/api/events/999999/payload', { status: 404, code: 'event_unknown' });
    const { id } = await api.database.db
      .insertInto('ledger')
      .values({
        account: 'acct-1',
        provider_event_id: 'evt_forgotten',
        endpoint: 'stripe',
        provider: 'stripe',
        job_id: 'stripe.evt_forgotten',
        body_sha256: Buffer.alloc(32),
        received_at: new Date('2025-01-01T00:00:00Z'),
        request_id: 'request',
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await api.refused(`/api/events/${id}/payload`, { status: 410, code: 'payload_gone' });
    const [found] = await rowsOf('/api/events?eventId=evt_forgotten');
    expect(found).toMatchObject({ id: String(id), type: null, tier: null });
  });
});

describe('paging', () => {
  test.each(['payments', 'refunds', 'disputes', 'payouts', 'events', 'outbox', 'collisions'])(
    '/api/%s tells every row once, in one order, whatever the size of the pages',
    async (list) => {
      const whole = await walk(`/api/${list}?limit=200`);
      const small = await walk(`/api/${list}?limit=37`);
      expect(small).toEqual(whole);
      expect(new Set(whole.map((row) => JSON.stringify(row))).size).toBe(whole.length);
      const count = await api.database.db
        .selectFrom(tables[list] ?? 'payments')
        .select((rows) => rows.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow();
      expect(whole).toHaveLength(Number(count.count));
    },
  );

  test('rows that come in while one pages are neither told twice nor push others out', async () => {
    const before = await walk('/api/payouts?limit=200');
    const first = listing.parse(await (await api.ask('/api/payouts?limit=10')).json());
    await api.database.db
      .insertInto('payouts')
      .values({
        account: 'acct-1',
        id: 'po_late',
        provider: 'stripe',
        status: 'paid',
        amount: 1,
        currency: 'EUR',
        failure_code: null,
        version: 1,
        occurred_at: new Date('2027-01-01T00:00:00Z'),
      })
      .execute();
    expect([...first.data, ...(await walk(first.next ?? ''))]).toEqual(before);
  });

  test.each(['abc', 'bnVsbA', 'WyJ4Il0', Buffer.from('["2026-01-01T00:00:00.000Z","x"]').toString('base64url'), '%00'])(
    'a cursor that is none of the list is a 400: %s',
    (cursor) => api.refused(`/api/payments?cursor=${cursor}`, { status: 400, code: 'cursor_invalid' }),
  );

  test('the next page is linked in the header as well', async () => {
    const answer = await api.ask('/api/events?limit=2&state=dead');
    const { next } = listing.parse(await answer.json());
    expect(answer.headers.get('link')).toBe(`<${next}>; rel="next"`);
    expect(next).toMatch(/^\/api\/events\?limit=2&state=dead&cursor=/);
  });
});

describe('filters', () => {
  test.each([
    { query: 'payments?account=acct-2', all: { account: 'acct-2' } },
    { query: 'payments?provider=paypal', all: { provider: 'paypal' } },
    { query: 'payments?status=captured', all: { status: 'captured' } },
    { query: 'payments?currency=USD', all: { currency: 'USD' } },
    { query: 'payments?payment=charge:ch_7', all: { id: 'pay_7' } },
    { query: 'refunds?payment=pay_7', all: { payment: 'pay_7' } },
    { query: 'refunds?status=pending&provider=stripe', all: { status: 'pending', provider: 'stripe' } },
    { query: 'disputes?status=lost', all: { status: 'lost' } },
    { query: 'payouts?status=failed', all: { status: 'failed' } },
    { query: 'events?state=dead', all: { state: 'dead' } },
    { query: 'events?type=charge.refunded', all: { type: 'charge.refunded' } },
    { query: 'events?endpoint=paypal', all: { endpoint: 'paypal' } },
    { query: 'events?fingerprint=f-1', all: { failure: expect.objectContaining({ fingerprint: 'f-1' }) } },
    { query: 'events?payment=pay_7', all: { eventId: 'evt_7' } },
    { query: 'outbox?destination=billing', all: { destination: 'billing' } },
    { query: 'outbox?state=dead', all: { state: 'dead' } },
    { query: 'outbox?event=8', all: { event: '8' } },
    { query: 'collisions?kind=event_id', all: { kind: 'event_id' } },
  ])('$query tells those and no others', async ({ query, all }) => {
    const [path] = query.split('?');
    const found = await walk(`/api/${query}`);
    const everything = await walk(`/api/${path}?limit=200`);
    expect(found.length).toBeGreaterThan(0);
    expect(found).toEqual(everything.filter((row) => matches(row, all)));
  });

  test('amounts and times are ranges', async () => {
    const everything = (await walk('/api/payments?limit=200')).map((row) => schemas.paymentSchema.parse(row));
    const amounts = await walk('/api/payments?currency=EUR&amountFrom=1010&amountTo=1200');
    expect(amounts.length).toBeGreaterThan(5);
    expect(amounts).toEqual(
      everything.filter(({ currency, amount }) => currency === 'EUR' && (amount ?? 0) >= 1010 && (amount ?? 0) <= 1200),
    );
    const [from, to] = ['2026-01-01T02:00:00.000Z', '2026-01-01T03:00:00.000Z'];
    const times = await walk(`/api/payments?occurredFrom=${from}&occurredTo=${to}`);
    expect(times.length).toBeGreaterThan(5);
    expect(times).toEqual(everything.filter(({ occurredAt }) => occurredAt >= from && occurredAt < to));
  });

  test.each([
    'payments?statsu=captured',
    'payments?status=paid',
    'payments?limit=0',
    'payments?limit=201',
    'payments?limit=-1',
    'payments?limit=1&limit=2',
    'payments?amountFrom=100',
    'payments?currency=EUR&amountFrom=1e9',
    'payments?currency=eur',
    'payments?occurredFrom=yesterday',
    'payments?account=%00',
    'events/abc',
    'events/9007199254740993',
    'events?payment=a%20b',
    'payments/a%20b',
  ])('%s is a 400', (query) => api.refused(`/api/${query}`, { status: 400, code: 'parameter_invalid' }));

  test('nothing can be changed, and what is not there is a 404', async () => {
    const answer = await api.running.ask('/api/payments', { method: 'POST', cookie: await api.running.logIn() });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    await api.refused('/api/secrets', { status: 404, code: 'page_unknown' });
  });
});

const listing = z.object({ data: z.array(z.unknown()), next: z.string().nullable() });
const tables: Readonly<
  Record<string, 'payments' | 'refunds' | 'disputes' | 'payouts' | 'ledger' | 'outbox_deliveries' | 'collisions'>
> = {
  payments: 'payments',
  refunds: 'refunds',
  disputes: 'disputes',
  payouts: 'payouts',
  events: 'ledger',
  outbox: 'outbox_deliveries',
  collisions: 'collisions',
};

async function rowsOf(path: string): Promise<readonly unknown[]> {
  return listing.parse(await (await api.ask(path)).json()).data;
}

/** All rows, page after page. */
async function walk(path: string): Promise<readonly unknown[]> {
  const rows: unknown[] = [];
  for (let next: string | null = path; next !== null;) {
    const answered: z.infer<typeof listing> = listing.parse(await (await api.ask(next)).json());
    rows.push(...answered.data);
    next = answered.next;
  }
  return rows;
}

function matches(row: unknown, all: Readonly<Record<string, unknown>>): boolean {
  try {
    expect(row).toMatchObject(all);
    return true;
  } catch {
    return false;
  }
}
