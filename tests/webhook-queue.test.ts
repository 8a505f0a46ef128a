import { describe, expect, test } from 'vitest';
import { contestedJobIdOf, encodeBody, jobIdOf, sha256Hex } from '@penstock/core/delivery';
import type { QueuedJob } from '@penstock/runtime/webhook-consumer';
import type { Lane } from '@penstock/runtime/lanes';
import { aDelivery } from './harness/deliveries.ts';
import { queuesUnderTest, queueUnderTest } from './harness/queue-under-test.ts';
import { until } from './harness/until.ts';

/** The conformance suite of the queue port: every guarantee, on every backend, and in the memory of the simulation. */
describe.each(queuesUnderTest)('the queue on %s', (backend) => {
  test('an added delivery comes out as it went in, once', async () => {
    await using own = await queueUnderTest(backend);
    const { queue } = own;
    const delivery = aDelivery({ text: '{"id":"evt_1","note":"é \\u0000 😀"}' });
    expect(await queue.add([delivery])).toEqual(['queued']);
    const seen: QueuedJob[] = [];
    await using _consumer = own.consume(async (job) => {
      seen.push(job);
      return { kind: 'done', outcome: 'processed' };
    });
    await until(async () => (await queue.counts()).completed === 1, { what: 'the job to complete' });
    expect(seen).toEqual([{ jobId: jobIdOf(delivery), data: delivery, attempt: 1 }]);
  });

  test('what a replay put there says so, and nothing else does', async () => {
    await using own = await queueUnderTest(backend);
    const { queue } = own;
    for (const lane of ['live', 'overflow', 'replay'] as const) await queue.recreate(aDelivery(), { lane });
    const seen: (true | undefined)[] = [];
    await using _consumer = own.consume(async ({ replayed }) => {
      seen.push(replayed);
      return { kind: 'done', outcome: 'processed' };
    });
    await until(async () => seen.length === 3, { what: 'all of them' });
    expect(seen.toSorted()).toEqual([true, undefined, undefined]);
  });

  test('bytes that are not text survive, a NUL among them', async () => {
    await using own = await queueUnderTest(backend);
    const { queue } = own;
    for (const bytes of [
      Buffer.from([0, 1, 2]),
      Buffer.from([0xff, 0xfe, 0x80]),
      Buffer.from('\uFEFF{"a":1}'),
      Buffer.alloc(0),
    ]) {
      const delivery = { ...aDelivery(), bodySha256: sha256Hex(bytes), body: encodeBody(bytes) };
      await queue.add([delivery]);
      const { promise: taken, resolve } = Promise.withResolvers<unknown>();
      await using _consumer = own.consume(async ({ data }) => {
        resolve(data);
        return { kind: 'done', outcome: 'processed' };
      });
      expect(await taken).toEqual(delivery);
    }
  });

  test('a repetition is not added and says so, before and after the first is processed', async () => {
    await using own = await queueUnderTest(backend);
    const { queue } = own;
    const first = aDelivery();
    expect(await queue.add([first])).toEqual(['queued']);
    const repetition = { ...first, deliveryId: aDelivery().deliveryId };
    expect(await queue.add([repetition])).toEqual(['already queued']);
    expect((await queue.counts()).waiting).toBe(1);
    await using _consumer = own.consume(async () => ({ kind: 'done', outcome: 'processed' }));
    await until(async () => (await queue.counts()).completed === 1, { what: 'the job to complete' });
    expect(await queue.add([repetition])).toEqual(['already processed']);
    expect(await queue.placeOf(jobIdOf(first))).toBe('completed');
  });

  test('several deliveries of one request are added together, each with its own standing', async () => {
    await using own = await queueUnderTest(backend);
    const { queue } = own;
    const known = aDelivery();
    await queue.add([known]);
    const standings = await queue.add([aDelivery(), { ...known, deliveryId: aDelivery().deliveryId }, aDelivery()]);
    expect(standings).toEqual(['queued', 'already queued', 'queued']);
    expect((await queue.counts()).waiting).toBe(3);
  });

  test('another body under a queued id is added beside it for the worker to judge', async () => {
    await using own = await queueUnderTest(backend);
    const { queue } = own;
    const first = aDelivery({ text: '{"amount":1}' });
    await queue.add([first]);
    expect(await queue.add([aDelivery({ eventId: first.eventId, text: '{"amount":2}' })])).toEqual(['contested']);
    expect((await queue.counts()).waiting).toBe(2);
  });

  test('a retry comes back after its delay and counts as the next attempt', async () => {
    await using own = await queueUnderTest(backend);
    const { queue } = own;
    const attempts: number[] = [];
    await using _consumer = own.consume(async (job) => {
      attempts.push(job.attempt);
      return job.attempt < 3
        ? { kind: 'retry', delayMs: 30, error: new Error('not yet') }
        : { kind: 'done', outcome: 'processed' };
    });
    await queue.add([aDelivery()]);
    await until(async () => (await queue.counts()).completed === 1, { what: 'the third attempt to complete' });
    expect(attempts).toEqual([1, 2, 3]);
  });

  test('postponing uses up no attempt', async () => {
    await using own = await queueUnderTest(backend);
    const { queue } = own;
    const attempts: number[] = [];
    await using _consumer = own.consume(async (job) => {
      attempts.push(job.attempt);
      return attempts.length < 9 ? { kind: 'postpone', delayMs: 10 } : { kind: 'done', outcome: 'processed' };
    });
    await queue.add([aDelivery()]);
    await until(async () => (await queue.counts()).completed === 1, { what: 'the ninth try to complete' });
    expect(attempts).toEqual(Array.from({ length: 9 }, () => 1));
  });

  test('what is released is taken again, and uses up no attempt', async () => {
    await using own = await queueUnderTest(backend);
    const { queue } = own;
    const attempts: number[] = [];
    await using _consumer = own.consume(async (job) => {
      attempts.push(job.attempt);
      return attempts.length < 9 ? { kind: 'release' } : { kind: 'done', outcome: 'processed' };
    });
    await queue.add([aDelivery()]);
    await until(async () => (await queue.counts()).completed === 1, { what: 'the ninth try to complete' });
    expect(attempts).toEqual(Array.from({ length: 9 }, () => 1));
  });

  test('a dead job stays in the failed set with its reason and its data, and no attempt follows', async () => {
    await using own = await queueUnderTest(backend);
    const { queue } = own;
    let attempts = 0;
    await using _consumer = own.consume(async () => {
      attempts += 1;
      return { kind: 'dead', error: Object.assign(new Error('cannot be'), { code: 'malformed_event' }) };
    });
    const delivery = aDelivery();
    await queue.add([delivery]);
    await until(async () => (await queue.counts()).failed === 1, { what: 'the job to fail' });
    const [failed] = await queue.failedJobs({ from: 0, count: 10 });
    expect(failed).toMatchObject({ jobId: jobIdOf(delivery), data: delivery, reason: 'malformed_event: cannot be' });
    expect(attempts).toBe(1);
  });

  test('a dead event that the provider sends again is put back to work', async () => {
    await using own = await queueUnderTest(backend);
    const { queue } = own;
    let healed = false;
    await using _consumer = own.consume(async () =>
      healed ? { kind: 'done', outcome: 'processed' } : { kind: 'dead', error: new Error('broken') },
    );
    const delivery = aDelivery();
    await queue.add([delivery]);
    await until(async () => (await queue.counts()).failed === 1, { what: 'the job to fail' });
    healed = true;
    expect(await queue.add([{ ...delivery, deliveryId: aDelivery().deliveryId }])).toEqual(['already queued']);
    await until(async () => (await queue.counts()).completed === 1, { what: 'the job to be processed after all' });
  });

  test('another body under the id of a dead event is judged each time that it is sent, one under a finished id once', async () => {
    await using own = await queueUnderTest(backend);
    const { queue } = own;
    const [dead, done] = [aDelivery({ text: '{"amount":1}' }), aDelivery({ text: '{"amount":1}' })];
    const others = [dead, done].map(({ eventId }) => aDelivery({ eventId, text: '{"amount":2}' }));
    const judged: string[] = [];
    await using _consumer = own.consume(async ({ jobId }) => {
      if (jobId === jobIdOf(dead)) return { kind: 'dead', error: new Error('broken') };
      if (jobId !== jobIdOf(done)) judged.push(jobId);
      return { kind: 'done', outcome: 'duplicate' };
    });
    await queue.add([dead, done]);
    await until(async () => (await queue.counts()).completed === 1, { what: 'the one to be done' });
    await until(async () => (await queue.counts()).failed === 1, { what: 'the other to be dead' });
    for (const completed of [3, 3]) {
      const standings = await queue.add(others.map((other) => ({ ...other, deliveryId: aDelivery().deliveryId })));
      expect(standings).toEqual(['contested', 'contested']);
      await until(async () => (await queue.counts()).completed === completed, { what: 'them to be judged' });
    }
    const [deadId = '', doneId = ''] = others.map(contestedJobIdOf);
    expect(judged.toSorted()).toEqual([deadId, deadId, doneId].toSorted());
  });

  test('recreating makes a job of an event whose job is gone or finished, and leaves a waiting one alone', async () => {
    await using own = await queueUnderTest(backend);
    const { queue } = own;
    const gone = aDelivery();
    await queue.recreate(gone);
    await queue.recreate(gone);
    expect((await queue.counts()).waiting).toBe(1);
    await using _consumer = own.consume(async () => ({ kind: 'done', outcome: 'processed' }));
    await until(async () => (await queue.placeOf(jobIdOf(gone))) === 'completed', { what: 'the job to complete' });
    let again = 0;
    await using _other = own.consume(async () => {
      again += 1;
      return { kind: 'done', outcome: 'processed' };
    });
    await queue.recreate(gone);
    await until(async () => (await queue.placeOf(jobIdOf(gone))) === 'completed', {
      what: 'the recreated job to complete',
    });
    expect(again).toBeLessThanOrEqual(1);
  });

  test('live events are taken before overflow, and overflow before replays, each lane in its order', async () => {
    await using own = await queueUnderTest(backend);
    const { queue } = own;
    const lanes = ['replay', 'overflow', 'live'] as const;
    const added: { readonly lane: Lane; readonly jobId: string }[] = [];
    for (const lane of [...lanes, ...lanes]) {
      const delivery = own.inOneLine();
      if (lane === 'replay') await queue.recreate(delivery, { lane });
      else await queue.add([delivery], { lane });
      added.push({ lane, jobId: jobIdOf(delivery) });
      // A lane is no second place: the same event is known whatever lane it comes by.
      const repetition = { ...delivery, deliveryId: aDelivery().deliveryId };
      expect(await queue.add([repetition], { lane: 'live' })).toEqual(['already queued']);
    }
    expect(await queue.counts()).toMatchObject({ waiting: added.length });
    const taken: string[] = [];
    await using _consumer = own.consume(
      async ({ jobId }) => {
        taken.push(jobId);
        return { kind: 'done', outcome: 'processed' };
      },
      { concurrency: 1 },
    );
    await until(() => taken.length === added.length, { what: 'every job to be taken' });
    const inOrder = lanes.toReversed().flatMap((lane) => added.filter((job) => job.lane === lane));
    expect(taken).toEqual(inOrder.map(({ jobId }) => jobId));
  });

  test('recreating in a lane puts a dead event back to work in that lane', async () => {
    await using own = await queueUnderTest(backend);
    const { queue } = own;
    const dead = own.inOneLine();
    const taken: string[] = [];
    {
      await using _consumer = own.consume(async () => ({ kind: 'dead', error: new Error('broken') }));
      await queue.add([dead]);
      await until(async () => (await queue.counts()).failed === 1, { what: 'the job to fail' });
    }
    await queue.recreate(dead, { lane: 'replay' });
    const live = own.inOneLine();
    await queue.add([live]);
    expect(await queue.counts()).toMatchObject({ waiting: 2, failed: 0 });
    await using _consumer = own.consume(
      async ({ jobId }) => {
        taken.push(jobId);
        return { kind: 'done', outcome: 'processed' };
      },
      { concurrency: 1 },
    );
    await until(async () => (await queue.counts()).completed === 2, { what: 'both to be processed' });
    expect(taken).toEqual([live, dead].map(jobIdOf));
  });

  test('closing a consumer waits for the job in hand', async () => {
    await using own = await queueUnderTest(backend);
    const { queue } = own;
    const gate = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const consumer = own.consume(async () => {
      started.resolve();
      await gate.promise;
      return { kind: 'done', outcome: 'processed' };
    });
    await queue.add([aDelivery()]);
    await started.promise;
    const closing = consumer[Symbol.asyncDispose]();
    gate.resolve();
    await closing;
    expect(await queue.counts()).toMatchObject({ active: 0, completed: 1 });
  });
});
