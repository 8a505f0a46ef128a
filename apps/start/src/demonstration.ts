import { setTimeout as delay } from 'node:timers/promises';
import { ledgerStatesOf } from '@penstock/db/ledger';
import { createDemo, type Demo, type DemoRequest } from './demo-events.ts';
import type { RunningSystem } from './system.ts';

/** One request and how it was answered. */
export interface Exchange {
  readonly request: DemoRequest;
  readonly status: number;
  /** `accepted`, `duplicate`, or a problem's code. */
  readonly word: string;
  readonly asExpected: boolean;
}

export interface Demonstration {
  readonly demo: Demo;
  readonly exchanges: readonly Exchange[];
  /** What the ledger says of each event in the end. */
  readonly states: ReadonlyMap<string, string>;
}

/** Everything is done within seconds; a machine that is busy with other things gets more. */
const SETTLED_MS_MAX = 30_000;

/** Sends the demonstration's requests one after the other, then waits until the ledger has ended every event. */
export async function demonstrate(system: RunningSystem, stopping: AbortSignal): Promise<Demonstration> {
  const demo = createDemo(system.keys, new Date());
  const exchanges: Exchange[] = [];
  for (const request of demo.requests) exchanges.push(await send(system, request));

  const ids = [...demo.expectedStates.keys()];
  const deadline = performance.now() + SETTLED_MS_MAX;
  for (;;) {
    const states = await ledgerStatesOf(system.db, ids);
    const settled = ids.every((id) => states.get(id) !== undefined && states.get(id) !== 'received');
    if (settled || performance.now() > deadline || stopping.aborted) return { demo, exchanges, states };
    await delay(50);
  }
}

async function send(system: RunningSystem, request: DemoRequest): Promise<Exchange> {
  const response = await fetch(`${system.webhooksUrl}${request.endpoint}`, {
    method: 'POST',
    headers: request.headers,
    body: new Uint8Array(request.body),
    signal: AbortSignal.timeout(15_000),
  });
  const word = wordOf(await response.json());
  const { expected } = request;
  return {
    request,
    status: response.status,
    word,
    asExpected: response.status === expected.status && word === expected.word,
  };
}

/** The one word of an answer: a problem's code, else the status of the event. */
function wordOf(answer: unknown): string {
  if (typeof answer !== 'object' || answer === null) return 'unreadable';
  if ('code' in answer) return String(answer.code);
  return 'status' in answer ? String(answer.status) : 'unreadable';
}
