import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { makeApiKey, type Scope } from '@penstock/console/api/api-key';
import { runConsole, type RunningConsole } from '@penstock/console/testing/run-console';
import { insertApiKey } from '@penstock/db/api-keys';
import { createTestDatabase, type TestDatabase } from '@penstock/db/testing/test-database';
import { fillLedger } from './fill-ledger.ts';

/** A console that serves the read API over a filled database, with a clock that the test moves. */
export interface TestReadApi extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly running: RunningConsole;
  readonly moveClock: (to: Date) => void;
  /** A GET with a key, by default one that may read everything. */
  readonly ask: (path: string, key?: string) => Promise<Response>;
  readonly refused: (
    path: string,
    expected: { readonly status: number; readonly code: string },
    key?: string,
  ) => Promise<void>;
  readonly makeKey: (
    scopes: readonly Scope[],
    options?: { readonly expiresAt?: Date },
  ) => Promise<{ readonly id: string; readonly token: string }>;
}

export async function startReadApi(given: {
  readonly postgresUrl: string;
  readonly redisUrl: string;
  readonly name: string;
  readonly rows: number;
}): Promise<TestReadApi> {
  const database = await createTestDatabase(given.postgresUrl);
  await fillLedger(database.db, { rows: given.rows });
  let clock = new Date('2026-06-01T00:00:00Z');
  const running = await runConsole({
    environment: { DATABASE_URL: database.url, REDIS_URL: given.redisUrl, QUEUE_NAME: given.name },
    now: () => clock,
  });
  const makeKey: TestReadApi['makeKey'] = async (scopes, { expiresAt } = {}) => {
    const key = makeApiKey(randomBytes);
    const kept = { ...key, name: 'test', scopes, createdAt: clock, expiresAt: expiresAt ?? null };
    await insertApiKey(database.db, kept);
    return key;
  };
  const { token } = await makeKey(['payments:read', 'events:read', 'payloads:read']);
  const ask: TestReadApi['ask'] = (path, key = token) =>
    running.ask(path, { headers: { authorization: `Bearer ${key}` } });
  return {
    database,
    running,
    moveClock: (to) => (clock = to),
    ask,
    makeKey,
    refused: async (path, { status, code }, key) => {
      const answer = await ask(path, key);
      expect([path, answer.status, await answer.json()]).toEqual([path, status, expect.objectContaining({ code })]);
    },
    [Symbol.asyncDispose]: async () => {
      await running[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}
