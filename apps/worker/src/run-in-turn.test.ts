import fc from 'fast-check';
import { expect, test } from 'vitest';
import { observeHandlerTimes } from './handler-times.ts';
import { OutOfTurn, runInTurn, type Habits, type Turn } from './run-in-turn.ts';

/** Asks something; resolves when it is answered. */
type Ask = (what: string) => Promise<void>;

test('what runs ask is sent in their order, each as if those before it had ended, however many they ask', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ statements: fc.nat(3), pauses: fc.nat(4), isLast: fc.boolean(), asksOnce: fc.boolean() })),
      async (runs) => {
        const { sent, open } = aConnection();
        const expected = runs.flatMap(({ statements }, run) =>
          Array.from({ length: statements }, (_, position) => `${run}.${position}`),
        );
        const turns = runs.map(({ statements, pauses, isLast }, run): Turn<Ask, number> => ({
          name: `${run}`,
          isLast,
          run: async (ask) => {
            for (let pause = 0; pause < pauses; pause += 1) await Promise.resolve();
            for (let position = 0; position < statements; position += 1) await ask(`${run}.${position}`);
            return run;
          },
        }));
        const told = new Map<string, number>();
        const habits: Habits = {
          asksOnce: (name) => runs[Number(name)]?.asksOnce === true,
          addStatements: (name, statements) => void told.set(name, statements),
        };
        const outcome = await runInTurn(turns, { open, habits }).catch((error: unknown) => error);
        if (outcome instanceof OutOfTurn) {
          expect(runs.some(({ statements, asksOnce }) => asksOnce && statements > 1)).toBe(true);
          expect(expected.slice(0, sent.length)).not.toEqual(expected);
        } else {
          expect(outcome).toEqual(runs.map((_, run) => run));
          expect(sent).toEqual(expected);
          expect(runs.map((_, run) => told.get(`${run}`))).toEqual(runs.map(({ statements }) => statements));
        }
      },
    ),
  );
});

test('one that is known to ask once is not waited for', async () => {
  const { sent, open, answer } = aConnection({ isHeld: true });
  const ended = runInTurn([asking('a', 1), asking('b', 1), asking('c', 1)], { open, habits: everyoneOnce });
  await expect.poll(() => sent).toEqual(['a.0', 'b.0', 'c.0']);
  answer();
  expect(await ended).toEqual(['a', 'b', 'c']);
});

test('one that has not asked anything yet is waited for', async () => {
  const { sent, open } = aConnection();
  const first = Promise.withResolvers<void>();
  const ended = runInTurn(
    [{ name: 'slow', isLast: true, run: () => first.promise.then(() => 'slow') }, asking('b', 1)],
    { open, habits: everyoneOnce },
  );
  await new Promise((resolve) => setImmediate(resolve));
  expect(sent).toEqual([]);
  first.resolve();
  expect(await ended).toEqual(['slow', 'b']);
});

test('a second statement out of turn is refused and tells on its run, though the run keeps it to itself', async () => {
  const { sent, open } = aConnection();
  const habits = observeHandlerTimes();
  for (let run = 0; run < 40; run += 1) habits.addStatements('a', 1);
  const silent: Turn<Ask, string> = {
    name: 'a',
    isLast: true,
    run: async (ask) => {
      await ask('a.0');
      await ask('a.1').catch(() => undefined);
      return 'a';
    },
  };
  await expect(runInTurn([silent, asking('b', 1)], { open, habits })).rejects.toThrow(OutOfTurn);
  expect(sent).toEqual(['a.0', 'b.0']);
  expect(habits.asksOnce('a')).toBe(false);
  expect(await runInTurn([silent, asking('b', 1)], { open, habits })).toEqual(['a', 'b']);
});

test('where one fails, what it threw is thrown when all that were begun have ended, and no other begins', async () => {
  const { open } = aConnection();
  const begun: string[] = [];
  let hasEnded = false;
  const turns: readonly Turn<Ask, string>[] = [
    {
      name: 'a',
      isLast: true,
      run: async (ask) => {
        await ask('a.0');
        await new Promise((resolve) => setImmediate(resolve));
        hasEnded = true;
        return 'a';
      },
    },
    { name: 'b', isLast: true, run: () => Promise.reject(new Error('of b')) },
    {
      name: 'c',
      isLast: true,
      run: async () => {
        begun.push('c');
        return 'c';
      },
    },
  ];
  await expect(runInTurn(turns, { open, habits: everyoneOnce })).rejects.toThrow('of b');
  expect({ hasEnded, begun }).toEqual({ hasEnded: true, begun: [] });
});

test('who surprised once is watched for twice as long before it is expected to ask once again', () => {
  const { addStatements, asksOnce } = observeHandlerTimes();
  const runsUntilTrusted = (): number => {
    let runs = 0;
    for (; !asksOnce('a'); runs += 1) addStatements('a', 1);
    return runs;
  };
  const first = runsUntilTrusted();
  addStatements('a', 2);
  expect(runsUntilTrusted()).toBe(2 * first);
  addStatements('a', 2);
  expect(runsUntilTrusted()).toBe(4 * first);
});

const everyoneOnce: Habits = { asksOnce: () => true, addStatements: () => undefined };

function asking(name: string, statements: number): Turn<Ask, string> {
  return {
    name,
    isLast: true,
    run: async (ask) => {
      for (let position = 0; position < statements; position += 1) await ask(`${name}.${position}`);
      return name;
    },
  };
}

/** Answers in order, a turn of the event loop later; or when it is told to. */
function aConnection({ isHeld = false } = {}) {
  const sent: string[] = [];
  const held = Promise.withResolvers<void>();
  if (!isHeld) held.resolve();
  const open =
    (beforeEach: () => void): Ask =>
    async (what) => {
      beforeEach();
      sent.push(what);
      await held.promise;
      await new Promise((resolve) => setImmediate(resolve));
    };
  return { sent, open, answer: held.resolve };
}
