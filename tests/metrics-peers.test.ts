import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '@penstock/local/ports';
import { startProcess } from './harness/process.ts';
import { aStripeEvent, createTestSystem, postStripe, type TestSystem } from './harness/system.ts';
import { until } from './harness/until.ts';

let system: TestSystem;
beforeAll(async () => void (system = await createTestSystem('redis')));
afterAll(() => system[Symbol.asyncDispose]());

/** The counts of events by the process that counted them. */
async function eventsOf(healthUrl: string, accept = '*/*'): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${healthUrl}/metrics/all`, { headers: { accept } })).text();
  const counts = new Map<string, number>();
  for (const { groups } of text.matchAll(
    /^penstock_events_total\{instance="(?<instance>[^"]+)",.*outcome="(?:queued|processed|ignored)".*\} (?<count>\d+)/gm,
  ))
    counts.set(groups?.['instance'] ?? '', (counts.get(groups?.['instance'] ?? '') ?? 0) + Number(groups?.['count']));
  return counts;
}

test('one process tells the metrics of all: each series of its own process, a restart seen, a process that is away told', async () => {
  const port = String(await freePort());
  const peer = `127.0.0.1:${port}`;
  await using ingest = await system.startIngest();
  const ingestPeer = new URL(ingest.healthUrl).host;
  const ownPort = String(await freePort());
  await using teller = await system.startWorker({
    HEALTH_PORT: ownPort,
    // Itself is among them, as where one name leads to every worker.
    METRICS_PEERS: `http://${peer}, ${ingest.healthUrl}, http://127.0.0.1:${ownPort}, http://nowhere.invalid:9081`,
  });
  const own = `127.0.0.1:${ownPort}`;
  const worker = await system.startWorker({ HEALTH_PORT: port });

  const send = async (events: number): Promise<void> => {
    for (let sent = 0; sent < events; sent += 1)
      expect((await postStripe(ingest, aStripeEvent({ type: 'customer.created' }).body)).status).toBe(200);
  };
  const byWorkers = (counts: ReadonlyMap<string, number>): number => (counts.get(own) ?? 0) + (counts.get(peer) ?? 0);
  await send(20);
  const before = await until(
    async () => {
      const counts = await eventsOf(teller.healthUrl);
      return byWorkers(counts) === 20 && counts;
    },
    { what: 'both workers to have counted' },
  );
  expect(before.get(ingestPeer)).toBe(20);
  expect([...before.keys()].toSorted()).toEqual([own, peer, ingestPeer].filter((name) => before.has(name)).toSorted());
  expect(await peersOf(teller.healthUrl)).toEqual({ [peer]: 1, [ingestPeer]: 1, 'nowhere.invalid:9081': 0 });

  expect(await worker.stop()).toEqual({ code: 0, signal: null });
  expect(await peersOf(teller.healthUrl)).toEqual({ [peer]: 0, [ingestPeer]: 1, 'nowhere.invalid:9081': 0 });
  expect((await eventsOf(teller.healthUrl)).has(peer)).toBe(false);

  await using again = await system.startWorker({ HEALTH_PORT: port });
  const after = await eventsOf(teller.healthUrl, 'application/openmetrics-text;version=1.0.0');
  // It begins anew, and nobody else's count is in it: rate() sees a reset of this one series.
  expect(after.get(peer) ?? 0).toBe(0);
  expect(after.get(own)).toBe(before.get(own));
  expect((await fetch(`${again.healthUrl}/metrics/all`)).status).toBe(404);

  const text = await (
    await fetch(`${teller.healthUrl}/metrics/all`, { headers: { accept: 'application/openmetrics-text' } })
  ).text();
  const types = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  expect(types.length).toBe(new Set(types).size);
  expect(text.match(/^# EOF$/gm)).toHaveLength(1);
  expect(text.split('\n').filter((line) => /^[a-z]/.test(line) && !/^\w+\{instance="/.test(line))).toEqual([]);
});

test('what is no address of a private port, and more than 32 of them, is refused with words', async () => {
  for (const peers of ['https://worker:9081', 'worker:9081', Array(33).fill('http://worker:9081').join(',')]) {
    await using refused = await startProcess({
      name: 'worker',
      script: 'apps/worker/src/main.ts',
      env: { ...system.environment, METRICS_PEERS: peers },
    });
    expect((await refused.exited).code).toBe(78);
    expect(refused.output()).toContain('METRICS_PEERS must be at most 32 of http://host:port, with commas between');
  }
});

async function peersOf(healthUrl: string): Promise<Readonly<Record<string, number>>> {
  const text = await (await fetch(`${healthUrl}/metrics/all`)).text();
  return Object.fromEntries(
    [...text.matchAll(/^penstock_peer_up\{.*peer="([^"]+)".*\} ([01])$/gm)].map(([, peer, up]) => [peer, Number(up)]),
  );
}
