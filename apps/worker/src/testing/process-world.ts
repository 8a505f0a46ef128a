import { providerNamed } from '@penstock/core/providers/registry';
import type { LedgerDatabase } from '@penstock/db/database';
import { openLedgerStore } from '@penstock/db/ledger-store';
import { realTime } from '../real-time.ts';
import type { ProcessWorld } from '../process-webhook.ts';

/** A world to process events in, for tests of handlers: every provider, a handler second, a log that says nothing. */
export function processWorld(db: LedgerDatabase, given: Partial<ProcessWorld> = {}): ProcessWorld {
  return {
    store: openLedgerStore(db),
    ...realTime,
    provider: providerNamed,
    endpoints: new Map(),
    handlers: [],
    destinations: new Map(),
    handlerMs: 1_000,
    handlerLog: () => silent,
    now: () => new Date(),
    putBack: async () => undefined,
    ...given,
  };
}

const nothing = (): void => undefined;
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing };
