import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';
import { exposeMetrics } from './metrics/exposition.ts';

const make = () => createMetrics({ process: 'test', version: '1.2.3', commit: 'abc', environment: 'test' });

describe('a declaration', () => {
  const { declared } = make();

  test.each(declared)(
    '$name follows the conventions and says what it is for',
    ({ name, kind, help, labels, serves }) => {
      expect(name).toMatch(/^(penstock|http_server|http_client|db_client)_[a-z_]+$/);
      expect(name.endsWith('_total')).toBe(kind === 'counter');
      if (kind === 'histogram') expect(name).toMatch(/_seconds$/);
      expect(help).toMatch(/\.$/);
      expect(serves).not.toBe('');
      for (const [label, values] of Object.entries(labels)) {
        expect(label).toMatch(/^[a-z_]+$/);
        expect(values).not.toBe('');
      }
    },
  );

  test('no label is an identifier', () => {
    const labels = new Set(declared.flatMap((metric) => Object.keys(metric.labels)));
    // OpenTelemetry's name for a host, of which there are as many as providers.
    labels.delete('server_address');
    expect([...labels].filter((label) => /(^|_)(id|ip|address|payment|event|trace|job)(_|$)/.test(label))).toEqual([]);
  });
});

describe('whatever comes from outside', () => {
  test('makes a bounded number of series: event types beyond those documented are other', () => {
    const { typeLabel } = make();
    const anything = fc.oneof(
      fc.string(),
      fc.constantFrom('charge.succeeded', 'PAYMENT.CAPTURE.COMPLETED', '__proto__'),
    );
    const seen = new Map<string, Set<string>>();
    fc.assert(
      fc.property(fc.constantFrom('stripe', 'paypal', 'generic-hmac', 'nobody'), anything, (provider, type) => {
        const labels = seen.get(provider) ?? new Set();
        seen.set(provider, labels);
        labels.add(typeLabel({ provider, endpoint: provider, type }));
        expect(labels.size).toBeLessThanOrEqual(provider === 'generic-hmac' ? 51 : 2);
      }),
      { numRuns: 3_000 },
    );
    expect(seen.get('stripe')).toEqual(new Set(['charge.succeeded', 'other']));
    expect(seen.get('generic-hmac')?.size).toBe(51);
    expect(seen.get('nobody')).toEqual(new Set(['other']));
  });

  test('keys, failure codes, tables, hosts and currencies have a limit each', () => {
    const { keyLabel, codeLabel, tableLabel, addressLabel, currencyLabel } = make();
    const labels = (limit: (value: string) => string) =>
      new Set(Array.from({ length: 1_000 }, (_, index) => limit(`value${index}`))).size;
    expect(labels((value) => keyLabel('stripe', value))).toBe(51);
    expect(labels((value) => keyLabel('paypal', value))).toBe(51);
    expect(labels(codeLabel)).toBe(51);
    expect(labels(tableLabel)).toBe(51);
    expect(labels(addressLabel)).toBe(51);
    expect(labels(currencyLabel)).toBe(201);
  });
});

describe('a scrape', () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const observed = () => {
    const metrics = make();
    metrics.swept.inc({ outcome: 'recreated' }, 2);
    metrics.receivedToProcessed.observe({ endpoint: 'a} # {"b', provider: 'stripe', attempt: '1' }, 0.02, traceId);
    return metrics;
  };

  test('that accepts OpenMetrics is told which trace was in which bucket', async () => {
    const { contentType, text } = await exposeMetrics(
      observed().registry,
      'application/openmetrics-text;version=1.0.0,text/plain;q=0.5',
    );
    expect(contentType).toContain('application/openmetrics-text');
    expect(text).toMatch(
      new RegExp(
        `^penstock_received_to_processed_seconds_bucket\\{le="0.025",.*\\} 1 # \\{trace_id="${traceId}"\\} 0.02 `,
        'm',
      ),
    );
    expect(text).toContain('# TYPE penstock_swept counter');
    expect(text).toContain('penstock_swept_total{outcome="recreated",process="test",environment="test"} 2');
    expect(text).toMatch(/# EOF\n$/);
  });

  test('in the older format has the same samples, without exemplars, whichever format was asked for before', async () => {
    const { registry } = observed();
    const read = async (accept: string) => (await exposeMetrics(registry, accept)).text;
    const older = await read('*/*');
    const samples = (text: string) =>
      text
        .split('\n')
        .filter((line) => line.startsWith('penstock_'))
        .map((line) => line.replace(/ # \{trace_id.*$/, ''));
    expect(samples(older)).toEqual(samples(await read('application/openmetrics-text')));
    expect(samples(older)).toEqual(samples(await read('*/*')));
    expect(older).toContain('# TYPE penstock_swept_total counter');
    expect(older).not.toContain('trace_id');
    expect(older).not.toContain('# EOF');
  });

  test('says nothing of a gauge that this process never set', async () => {
    const { text } = await exposeMetrics(make().registry, '*/*');
    expect(text).not.toMatch(/^penstock_outbox_oldest_seconds/m);
  });
});
