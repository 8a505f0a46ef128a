import fc from 'fast-check';
import { Counter, Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { exposeMetrics } from './exposition.ts';
import { mergeExpositions } from './merge-expositions.ts';

function registry(count: number, label = 'a'): Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE> {
  const made = new Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>();
  made.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  new Counter({ name: 'events_total', help: 'Events.', labelNames: ['what'], registers: [made] }).inc(
    { what: label },
    count,
  );
  new Counter({ name: 'plain_total', help: 'Without labels.', registers: [made] }).inc(count);
  new Histogram<string>({
    name: 'took_seconds',
    help: 'Time.',
    buckets: [1],
    enableExemplars: true,
    registers: [made],
  }).observe({ labels: {}, value: 0.5, exemplarLabels: { trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' } });
  return made;
}

async function merged(accept: string): Promise<string> {
  const answers = await Promise.all([registry(1), registry(5)].map((each) => exposeMetrics(each, accept)));
  return mergeExpositions(answers.map(({ text }, position) => ({ instance: `worker-${position}:9081`, text })));
}

test('no series is added to another, a family is told once, and exemplars stay where they were', async () => {
  const lines = (await merged('application/openmetrics-text')).split('\n');
  expect(lines.filter((line) => line.includes('events'))).toEqual([
    '# HELP events Events.',
    '# TYPE events counter',
    'events_total{instance="worker-0:9081",what="a"} 1',
    'events_total{instance="worker-1:9081",what="a"} 5',
  ]);
  expect(lines).toContain('plain_total{instance="worker-1:9081"} 5');
  expect(lines.filter((line) => line.startsWith('# TYPE took_seconds'))).toHaveLength(1);
  expect(
    lines.filter((line) => /^took_seconds_bucket\{instance="worker-\d:9081",le="1"\} 1 # \{trace_id=/.test(line)),
  ).toHaveLength(2);
  expect(lines.filter((line) => line === '# EOF')).toHaveLength(1);
  expect(lines.slice(-2)).toEqual(['# EOF', '']);
});

test('the older format stays the older format', async () => {
  const text = await merged('*/*');
  expect(text).toContain('# TYPE events_total counter');
  expect(text).not.toContain('EOF');
});

test('whatever a label holds, there are as many series as before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 20 }), async (label) => {
      const { text } = await exposeMetrics(registry(1, label), 'application/openmetrics-text');
      const samples = (given: string) => given.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      const together = mergeExpositions([
        { instance: 'one:1', text },
        { instance: 'two:2', text },
      ]);
      expect(samples(together)).toHaveLength(2 * samples(text).length);
      expect(
        samples(together)
          .map((line) => line.replace(/instance="(?:one:1|two:2)",?/, '').replace(/^(\w+)\{\} /, '$1 '))
          .toSorted(),
      ).toEqual([...samples(text), ...samples(text)].toSorted());
    }),
    { numRuns: 200, examples: [['{}'], ['instance="one:1",']] },
  );
});
