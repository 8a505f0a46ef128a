import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { aStripeEvent, postStripe, type TestIngest, type TestSystem } from './system.ts';
import { until } from './until.ts';

/** Events on their way while something is broken. */
export interface SteadyProvider extends AsyncDisposable {
  /** Events answered 2xx so far, by id, in the order of their answers. */
  readonly acknowledged: readonly string[];
  /** Answers that were a refusal, or none at all. */
  readonly refused: () => number;
  /** Sends no further event; resolves once no request is under way. */
  readonly stop: () => Promise<void>;
}

/** Sends events to one ingest over four connections; what is refused is sent again, as providers do, until it is stopped. */
export function startSteadyProvider(ingest: Pick<TestIngest, 'url'>): SteadyProvider {
  const acknowledged: string[] = [];
  let refused = 0;
  const stopping = new AbortController();
  const send = async (): Promise<void> => {
    let event = aStripeEvent();
    while (!stopping.signal.aborted) {
      const status = await postStripe(ingest, event.body).then(
        (answer) => answer.status,
        () => 0,
      );
      if (status === 200) {
        acknowledged.push(event.id);
        event = aStripeEvent();
      } else {
        refused += 1;
        await sleep(50);
      }
    }
  };
  const senders = [send(), send(), send(), send()];
  const stop = async (): Promise<void> => {
    stopping.abort();
    await Promise.all(senders);
  };
  return { acknowledged, refused: () => refused, stop, [Symbol.asyncDispose]: stop };
}

/** Waits until so many more events than now are acknowledged. */
export async function moreAcknowledged(provider: SteadyProvider, count: number): Promise<void> {
  const wanted = provider.acknowledged.length + count;
  await until(() => provider.acknowledged.length >= wanted, {
    what: `${count} more acknowledgements`,
  });
}

/** Every event that was acknowledged has its effect, and once; there may be others, whose answers came too late. */
export async function expectAppliedOnce(system: TestSystem, acknowledged: readonly string[]): Promise<void> {
  const missing = async () => {
    const effects = await system.effects();
    return acknowledged.filter((id) => !effects.has(id));
  };
  await until(async () => (await missing()).length === 0, { what: 'every acknowledged event' });
  expect([...(await system.effects())].filter(([, times]) => times !== 1)).toEqual([]);
}
