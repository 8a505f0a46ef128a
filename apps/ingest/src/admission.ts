import type { IncomingMessage } from 'node:http';
import type { TurnedAway } from '@penstock/core/outcome';
import { createClientAddress } from '@penstock/runtime/client-address';
import type { WebhookQueue } from '@penstock/runtime/webhook-queue';
import type { IngestConfig } from './config.ts';
import { createKnownClients, type KnownClients } from './known-clients.ts';
import { createPressure } from './pressure.ts';
import { ADDRESS_CHARACTERS_MAX, HEADER_LINES_MAX } from './head-limits.ts';
import { watchLoop, watchQueueMemory } from './watch-load.ts';

/** Says which requests may come in. */
export interface Admission extends Disposable {
  /**
   * May this request come in? Null where it may. Decided by its head and the
   * state of this process alone, before anything of the body is read; in calm
   * that is five comparisons. With a spool, a full queue turns nobody away.
   */
  readonly judge: (request: IncomingMessage, has: { readonly spool: boolean }) => TurnedAway | null;
  readonly clientOf: (request: IncomingMessage) => string;
  readonly clients: KnownClients;
  readonly queueIsFull: () => boolean;
  /** 0 in calm, 1 where nobody is let in. */
  readonly pressure: () => number;
}

/** Begins to watch what admission depends on: the event loop, and the memory of the queue. */
export function openAdmission(
  config: Pick<
    IngestConfig,
    'trustedProxies' | 'forwardedHeader' | 'refusalsPerMinute' | 'loopDelayMsMax' | 'queueMemoryPercentMax'
  >,
  queue: Pick<WebhookQueue, 'redisFacts'>,
): Admission {
  const stack = new DisposableStack();
  const clientOf = createClientAddress({ trusted: config.trustedProxies, header: config.forwardedHeader });
  const clients = createKnownClients({
    refusalsPerMinute: config.refusalsPerMinute,
    clock: () => performance.now(),
  });
  const pressure = createPressure({ delayMsMax: config.loopDelayMsMax });
  stack.use(watchLoop(pressure));
  const memory = stack.use(watchQueueMemory({ facts: queue.redisFacts, percentMax: config.queueMemoryPercentMax }));

  return {
    clientOf,
    clients,
    queueIsFull: memory.isFull,
    pressure: pressure.level,
    judge: (request, has) => {
      if (request.rawHeaders.length > 2 * HEADER_LINES_MAX) return { kind: 'head_too_large' };
      if ((request.url?.length ?? 0) > ADDRESS_CHARACTERS_MAX) return { kind: 'address_too_long' };
      if (memory.isFull() && !has.spool) return { kind: 'overloaded', reason: 'queue_memory' };
      if (pressure.level() > 0 && pressure.turnsAway({ isProven: clients.isProven(clientOf(request)) }))
        return { kind: 'overloaded', reason: 'event_loop' };
      if (config.refusalsPerMinute === 0) return null;
      const seconds = clients.barredFor(clientOf(request));
      return seconds === null ? null : { kind: 'client_barred', retryAfterSeconds: seconds };
    },
    [Symbol.dispose]: () => stack[Symbol.dispose](),
  };
}
