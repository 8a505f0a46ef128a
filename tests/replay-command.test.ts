import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runScript } from './harness/commands.ts';
import { storeEvents } from './harness/stored-events.ts';
import { createTestSystem, type TestSystem } from './harness/system.ts';

let system: TestSystem;
beforeEach(async () => void (system = await createTestSystem()));
afterEach(() => system[Symbol.asyncDispose]());

describe('pnpm replay', () => {
  // Each is a process of its own: of every kind of mistake, one.
  const misuses = [
    { args: ['apply'], code: 64, stderr: /apply needs the id of a plan/ },
    { args: ['apply', '999'], code: 1, stderr: /replay_unknown/ },
    { args: ['plan', '--type', 'x'], code: 64, stderr: /--why is missing/ },
    { args: ['plan', '--why', 'x', '--state', 'alive'], code: 64, stderr: /--state/ },
    { args: ['plan', '--why', 'x', '--force', '--handler', 'nobody'], code: 64, stderr: /replay_handler_unknown/ },
    { args: ['plan', '--why', 'x', '--body', '{}'], code: 64, stderr: /facts_not_editable/ },
    { args: [], code: 64, stderr: /^Usage/ },
  ];

  test('says what is wrong, with an exit code', { timeout: 180_000 }, async () => {
    const runs = await Promise.all(misuses.map(({ args }) => replay(...args)));
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      misuses.map(({ code, stderr }) => ({ code, stderr: expect.stringMatching(stderr) })),
    );
  });

  test('plans, starts, shows and cancels', { timeout: 180_000 }, async () => {
    await storeEvents(system.db, { count: 2, prefix: 'evt_a' });
    const plan = await replay('plan', '--why', 'mended', '--by', 'ada');
    expect(plan.stdout).toMatch(/^Plan 1: 2 events[^]*pnpm replay apply 1\n$/);
    expect((await replay('apply', '1', '--detach')).stdout).toMatch(/^Replay 1 is running: mended/);
    expect((await replay('list')).stdout).toMatch(/^ +1 {2}running/);
    const cancelled = JSON.parse((await replay('cancel', '1', '--json')).stdout);
    expect(cancelled).toMatchObject({ state: 'cancelled', counts: { planned: 2, moved: 0 } });
    expect(await replay('resume', '1')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('replay_state_wrong'),
    });
  });
});

function replay(...args: readonly string[]) {
  return runScript('apps/worker/src/commands/replay.ts', args, system.environment);
}
