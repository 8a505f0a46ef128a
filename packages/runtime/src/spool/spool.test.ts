import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { encodeBody, sha256Hex, type Delivery } from '@penstock/core/delivery';
import { ConfigurationError } from '@penstock/core/failure';
import { readPayloadKeys } from '@penstock/core/payload-keys';
import { temporaryDirectory } from '@penstock/local/testing';
import type { OpenFile } from './segment-writer.ts';
import { openSpool, type SpoolOptions } from './spool.ts';

test('what is kept outlives the process, and is handed over in order and once', async () => {
  const dir = await folder();
  const kept = deliveries(100);
  {
    await using spool = await openSpool(options(dir));
    await Promise.all(kept.map((delivery) => spool.keep([delivery])));
  }
  await using spool = await openSpool(options(dir));
  expect(spool.state().oldestReceivedAt).toEqual(new Date(receivedAt));
  const taken: Delivery[] = [];
  expect(await spool.drain(async (batch) => taken.push(...batch))).toBe(100);
  expect(taken).toEqual(kept);
  expect(await spool.drain(async () => expect.unreachable())).toBe(0);
  expect(spool.state()).toMatchObject({ bytes: 0, oldestReceivedAt: null });
  expect((await readdir(dir)).filter((name) => name.endsWith('.spool'))).toEqual([]);
});

test('under keys no body lies readable on the disk, and each comes out as it was', async () => {
  const dir = await folder();
  const read = readPayloadKeys(`k:${randomBytes(32).toString('base64')}`, () => randomBytes(12));
  const payloadKeys = 'value' in read ? read.value : expect.unreachable(read.problem);
  const kept = aDelivery('evt_sealed', '{"name":"Zacharias Quillfeather"}');
  {
    await using spool = await openSpool({ ...options(dir), payloadKeys });
    await spool.keep([kept]);
  }
  const [file = ''] = await readdir(dir);
  const onDisk = await readFile(path.join(dir, file), 'utf8');
  expect([onDisk.includes('evt_sealed'), onDisk.includes('Zacharias')]).toEqual([true, false]);
  await using spool = await openSpool({ ...options(dir), payloadKeys });
  const taken: Delivery[] = [];
  await spool.drain(async (batch) => taken.push(...batch));
  expect(taken).toEqual([kept]);
});

test('many that come at once share a sync', async () => {
  let syncs = 0;
  await using spool = await openSpool({
    ...options(await folder()),
    openFile: async (file) => {
      const handle = await open(file, 'ax');
      return {
        appendFile: (bytes) => handle.appendFile(bytes),
        datasync: () => {
          syncs += 1;
          return handle.datasync();
        },
        truncate: (length) => handle.truncate(length),
        close: () => handle.close(),
      };
    },
  });
  await Promise.all(deliveries(200).map((delivery) => spool.keep([delivery])));
  expect(syncs).toBeLessThanOrEqual(2);
});

test('a delivery held already is not kept twice and is said to be queued already; another body of its event is kept', async () => {
  await using spool = await openSpool(options(await folder()));
  const [first = aDelivery('none')] = deliveries(1);
  const other = { ...aDelivery('evt_0', 'another body'), deliveryId: first.deliveryId };
  expect(await spool.keep([first])).toEqual(['queued']);
  const { bytes } = spool.state();
  expect(await spool.keep([{ ...first, requestId: 'sent again' }])).toEqual(['already queued']);
  expect(spool.state().bytes).toBe(bytes);
  expect(await spool.keep([other])).toEqual(['queued']);
});

test('the bound is kept, however many come at once, and there is room again after a drain', async () => {
  const bytesMax = 20_000;
  await using spool = await openSpool({ ...options(await folder()), bytesMax });
  const results = await Promise.allSettled(deliveries(100).map((delivery) => spool.keep([delivery])));
  const refused = results.filter((result) => result.status === 'rejected');
  expect(refused.length).toBeGreaterThan(50);
  for (const { reason } of refused) expect(reason).toMatchObject({ code: 'spool_full' });
  expect(spool.state().bytes).toBeLessThanOrEqual(bytesMax);
  await spool.drain(async () => undefined);
  expect(await spool.keep([aDelivery('evt_later')])).toEqual(['queued']);
});

test('a disk that is full refuses what does not fit and loses nothing of what did; it is written to again when there is space', async () => {
  const dir = await folder();
  let spaceBytes = 5_000;
  await using spool = await openSpool({
    ...options(dir),
    openFile: diskWithSpace(
      () => spaceBytes,
      (used) => (spaceBytes -= used),
    ),
  });
  const kept: string[] = [];
  for (const delivery of deliveries(20))
    await spool.keep([delivery]).then(
      () => kept.push(delivery.eventId),
      (error) => expect(error).toMatchObject({ code: 'ENOSPC' }),
    );
  expect(kept.length).toBeGreaterThan(2);
  expect(kept.length).toBeLessThan(20);
  spaceBytes = 1_000_000;
  await spool.keep([aDelivery('evt_later')]);
  const taken: string[] = [];
  await spool.drain(async (batch) => taken.push(...batch.map(({ eventId }) => eventId)));
  expect(taken).toEqual([...kept, 'evt_later']);
});

test('what the queue does not take stays; what it refuses while it takes others holds nothing up', async () => {
  const dir = await folder();
  await using spool = await openSpool(options(dir));
  for (const delivery of deliveries(80)) await spool.keep([delivery]);
  await expect(
    spool.drain(async () => {
      throw new Error('away');
    }),
  ).rejects.toThrow('away');
  const taken = new Set<string>();
  const drained = spool.drain(async ([delivery]) => {
    if (delivery?.eventId === 'evt_7') throw new Error('not this one');
    taken.add(delivery?.eventId ?? '');
  });
  await expect(drained).rejects.toThrow('not this one');
  expect(taken.size).toBe(79);
  const last: string[] = [];
  await spool.drain(async ([delivery]) => last.push(delivery?.eventId ?? ''));
  expect(last).toEqual(['evt_7']);
});

test('a damaged piece in the middle is put aside and told; everything else is handed over', async () => {
  const dir = await folder();
  {
    await using spool = await openSpool(options(dir));
    for (const delivery of deliveries(3)) await spool.keep([delivery]);
  }
  const segment = path.join(dir, '00000001.spool');
  const bytes = await readFile(segment);
  const at = bytes.indexOf('evt_1');
  bytes.write('EVT', at);
  await writeFile(segment, bytes);
  const damage: { file: string; bytes: number }[] = [];
  await using spool = await openSpool({ ...options(dir), onDamage: (piece) => damage.push(piece) });
  const taken: string[] = [];
  await spool.drain(async (batch) => taken.push(...batch.map(({ eventId }) => eventId)));
  expect(taken).toEqual(['evt_0', 'evt_2']);
  expect(damage).toHaveLength(1);
  expect(await readFile(damage[0]?.file ?? '', 'utf8')).toContain('EVT_1');
});

test('a whole record that is no delivery, as another version may write, is put aside too', async () => {
  const dir = await folder();
  const { toRecord } = await import('./records.ts');
  await writeFile(path.join(dir, '00000004.spool'), toRecord(Buffer.from('[{"v":9}]')));
  const damage: unknown[] = [];
  await using spool = await openSpool({ ...options(dir), onDamage: (piece) => damage.push(piece) });
  await spool.keep([aDelivery('evt_new')]);
  expect(await spool.drain(async () => undefined)).toBe(1);
  expect(damage).toHaveLength(1);
});

test('a folder serves one at a time, and one that cannot be used is named', async () => {
  const dir = await folder();
  await using _spool = await openSpool(options(dir));
  await expect(openSpool(options(dir))).rejects.toThrow(`SPOOL_DIR ${dir} is used by another process`);
  await expect(openSpool(options('/dev/null/spool'))).rejects.toThrow(ConfigurationError);
});

const receivedAt = '2026-01-01T00:00:00.000Z';

async function folder(): Promise<string> {
  const directory = await temporaryDirectory();
  onTestFinished(() => directory[Symbol.asyncDispose]());
  return directory.path;
}

function options(dir: string): SpoolOptions {
  return { dir, bytesMax: 10_000_000, onDamage: () => expect.unreachable('nothing is damaged here') };
}

function deliveries(count: number): readonly Delivery[] {
  return Array.from({ length: count }, (_, index) => aDelivery(`evt_${index}`));
}

/** Writes as far as there is space, as a disk does, and fails then. */
function diskWithSpace(space: () => number, use: (bytes: number) => void): OpenFile {
  return async (file) => {
    const handle = await open(file, 'ax');
    return {
      appendFile: async (data) => {
        const bytes = Buffer.from(data);
        const fits = bytes.subarray(0, space());
        await handle.appendFile(fits);
        use(fits.length);
        if (fits.length < bytes.length) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      },
      datasync: () => handle.datasync(),
      truncate: (length) => handle.truncate(length),
      close: () => handle.close(),
    };
  };
}

function aDelivery(eventId: string, text = `{"id":"${eventId}"}`): Delivery {
  const body = Buffer.from(text);
  return {
    v: 1,
    deliveryId: '0192f0c4-7c1e-7000-8000-000000000000',
    endpoint: 'e',
    provider: 'stripe',
    account: 'a',
    eventId,
    type: 't',
    shape: 'event',
    occurredAt: null,
    receivedAt,
    livemode: null,
    apiVersion: null,
    providerAccount: null,
    tier: 'full',
    keyId: 'k',
    transmissionId: null,
    requestId: 'r',
    contentType: null,
    origin: 'webhook',
    bodySha256: sha256Hex(body),
    body: encodeBody(body),
  };
}
