import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { forgedRequests } from '@penstock/core/testing/forged-requests';
import { openConnection } from './harness/raw-http.ts';
import {
  aStripeEvent,
  createTestSystem,
  postStripe,
  stripeSecret,
  type TestIngest,
  type TestSystem,
} from './harness/system.ts';

/**
 * Forged requests of every kind, slow senders and cut connections, while
 * genuine events arrive: every forged one is refused as what it is, and no
 * genuine one is lost. How fast is measured by `pnpm bench hostile`.
 */
let system: TestSystem;
let ingest: TestIngest;

beforeAll(async () => {
  system = await createTestSystem();
  ingest = await system.startIngest({
    TRUSTED_PROXIES: '127.0.0.1',
    CONNECTIONS_MAX: '200',
    REQUESTS_MAX: '100',
    BODIES_BYTES_MAX: String(4 * 1024 * 1024),
    // All of a test's load and its server share two busy cores; that they are late is not what is tried here.
    LOOP_DELAY_MS_MAX: '60000',
  });
});
afterAll(() => system[Symbol.asyncDispose]());

const ROUNDS = 60;
const GENUINE = 200;

test('every forged request is refused as what it is, and no genuine event is lost among hundreds', async () => {
  const forged = forgedRequests({
    event: aStripeEvent().body,
    secret: stripeSecret,
    path: '/webhooks/stripe',
    now: new Date(),
  });
  const genuine = Array.from({ length: GENUINE }, () => aStripeEvent());
  using _slow = slowSenders(80);

  const [refused, answers] = await Promise.all([sendForged(forged), sendGenuine(genuine)]);

  for (const { what, status } of forged) expect([what, refused.get(what)]).toEqual([what, { [status]: ROUNDS }]);
  expect(answers.filter((answer) => answer !== 'accepted')).toEqual([]);
  const counts = await system.queue.counts();
  expect(counts.waiting).toBe(GENUINE);
  for (const { id } of genuine) expect(await system.queue.placeOf(`stripe.${id}`)).toBe('waiting');
});

/** Each kind over a connection of its own, one request after the other; how often each was answered what. */
async function sendForged(
  forged: ReturnType<typeof forgedRequests>,
): Promise<ReadonlyMap<string, Record<string, number>>> {
  const answered = new Map<string, Record<string, number>>();
  await Promise.all(
    forged.map(async ({ what, bytes }, kind) => {
      const statuses: Record<string, number> = {};
      answered.set(what, statuses);
      using connection = await openConnection(ingest);
      for (let round = 0; round < ROUNDS; round += 1) {
        const request = bytes(`203.0.113.${(kind * ROUNDS + round) % 256}`);
        const { status } = await connection.ask(request);
        statuses[status] = (statuses[status] ?? 0) + 1;
      }
    }),
  );
  return answered;
}

/** As a provider does: a few at a time, and what is not accepted is sent again. */
async function sendGenuine(
  events: readonly { readonly id: string; readonly body: Buffer }[],
): Promise<readonly string[]> {
  const waiting = [...events];
  const answers: string[] = [];
  const send = async (): Promise<void> => {
    for (let event = waiting.pop(); event !== undefined; event = waiting.pop()) {
      let answer = await post(event.body);
      for (let again = 0; again < 5 && answer !== 'accepted'; again += 1) answer = await post(event.body);
      answers.push(answer);
    }
  };
  await Promise.all(Array.from({ length: 8 }, send));
  return answers;
}

async function post(body: Buffer): Promise<string> {
  try {
    const { status, json } = await postStripe(ingest, body, { headers: { 'x-forwarded-for': '198.51.100.7' } });
    return status === 200 ? 'accepted' : String(json['code']);
  } catch {
    // A connection of its that waited for its next request was ended for others.
    return 'cut off';
  }
}

/** Heads and bodies by the byte, and connections that say nothing or go away; opened anew as they are ended. */
function slowSenders(count: number): Disposable {
  const { hostname, port } = new URL(ingest.url);
  const begun = [
    'POST /webhooks/stripe HTTP/1.1\r\nhost: a\r\n',
    'POST /webhooks/stripe HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{',
    '',
  ];
  let over = false;
  const sockets = new Set<ReturnType<typeof connect>>();
  const open = (number: number): void => {
    if (over) return;
    const socket = connect(Number(port), hostname);
    sockets.add(socket);
    socket
      .on('error', () => undefined)
      .on('close', () => {
        sockets.delete(socket);
        open(number + 1);
      });
    socket.write(begun[number % begun.length] ?? '');
    if (number % 7 === 0) socket.destroy();
  };
  for (let number = 1; number <= count; number += 1) open(number);
  const timer = setInterval(() => {
    for (const socket of sockets) if (socket.writable) socket.write('x');
  }, 20);
  return {
    [Symbol.dispose]: () => {
      over = true;
      clearInterval(timer);
      for (const socket of sockets) socket.destroy();
    },
  };
}
