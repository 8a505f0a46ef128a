import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { runConsole } from '@penstock/console/testing/run-console';
import { stripeEvents } from './fuzz/corpus.ts';
import { randomOf } from './fuzz/random.ts';
import { cases, folded, type Seed } from './masking/personal-data.ts';
import { mapTexts } from './masking/payloads.ts';
import { createTestSystem, postStripe } from './harness/system.ts';
import { until } from './harness/until.ts';

const ways = Object.values(cases);

test('no process tells what payloads say of people: not in a line, a metric, a dead letter, the queue or its board, whatever a handler quotes', async () => {
  await using system = await createTestSystem('redis', {
    PENSTOCK_CONFIG: 'tests/harness/quoting-handler.test.config.ts',
    LOG_LEVEL: 'trace',
  });
  await using ingest = await system.startIngest();
  await using worker = await system.startWorker();

  const seeds: Seed[] = [];
  const bodies = stripeEvents.slice(0, 16).map((event, number) => {
    const parsed: unknown = JSON.parse(event.toString('utf8'));
    const changed = mapTexts(parsed, (text, name) => {
      // Its envelope has to be Stripe's, or it would be no event; the id and the type are seeded too.
      if (name === 'object' && text === 'event') return text;
      const seed = ways[seeds.length % ways.length]?.(randomOf(number, seeds.length));
      if (seed === undefined) return text;
      seeds.push(seed);
      return seed.text;
    });
    return Buffer.from(JSON.stringify(changed));
  });
  expect(seeds.length).toBeGreaterThan(150);

  for (const body of bodies) {
    const { status } = await postStripe(ingest, body, { headers: { 'x-request-id': seeds[0]?.secret ?? '' } });
    expect([200, 400]).toContain(status);
  }
  await until(async () => Object.values(await system.ledger()).reduce((sum, count) => sum + count, 0) === 16, {
    what: 'every event to be stored',
  });
  await until(async () => ((await system.ledger())['dead'] ?? 0) > 5, { what: 'dead letters' });
  // Its output is scanned whole, and so must say something.
  await until(async () => worker.output().split('with an error').length > 4, { what: 'lines of handlers' });

  // What is told to an error reporter is in the output too.
  await worker.waitForLine(/^reported: .*"webhook is dead/);

  const { rows } = await sql`
    select failure_code, failure_message, failure_fingerprint, null as reason from ledger
    union all select code, message, fingerprint, handler from attempts
    union all select failure_code, failure_message, failure_fingerprint, handler from handler_runs`.execute(system.db);
  const queued = (await system.queue.bulls()[0].getJobs(['failed', 'delayed', 'completed'])).map(
    ({ failedReason, stacktrace, returnvalue }) => ({ failedReason, stacktrace, returnvalue }),
  );
  const scraped = await Promise.all(
    [ingest, worker].map(async ({ healthUrl }) => (await fetch(`${healthUrl}/metrics`)).text()),
  );
  await using console = await runConsole({ environment: { ...system.environment, LOG_LEVEL: 'silent' } });
  const cookie = await console.logIn();
  const name = system.queue.location.name;
  const board = await Promise.all(
    ['failed', 'delayed', 'completed', 'latest'].map(async (status) => {
      const listed = await console.ask(
        `/queues/api/queues?activeQueue=${name}&status=${status}&page=1&jobsPerPage=20`,
        { cookie },
      );
      return listed.text();
    }),
  );
  const jobs = (await system.queue.bulls()[0].getJobs(['failed'])).slice(0, 6);
  for (const { id = '' } of jobs)
    for (const part of ['', '/logs'])
      board.push(
        await (await console.ask(`/queues/api/queues/${name}/${encodeURIComponent(id)}${part}`, { cookie })).text(),
      );
  // It shows what it may: the payload's own structure, under the job's id.
  expect(board.join('')).toMatch(/"body":\{"id":/);
  const told = {
    board: board.join('\n'),
    ingest: ingest.output(),
    worker: worker.output(),
    metrics: scraped.join('\n'),
    ledger: JSON.stringify(rows),
    queue: JSON.stringify(queued),
  };
  for (const [where, text] of Object.entries(told)) {
    expect(text.length).toBeGreaterThan(500);
    const shown = folded(text);
    expect({ where, leaked: seeds.filter(({ secret }) => shown.includes(secret)).map((seed) => seed.text) }).toEqual({
      where,
      leaked: [],
    });
  }
});
