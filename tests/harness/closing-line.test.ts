import { expect, test } from 'vitest';
import { closingLine, settle } from './closing-line.ts';
import { runFixture } from './run-fixture.ts';

test('the line tells passed and failed, and skipped only where something was', () => {
  expect(closingLine({ passed: 3, failed: 0, skipped: 0 })).toBe('3 passed, 0 failed');
  expect(closingLine({ passed: 3, failed: 1, skipped: 2 })).toBe('3 passed, 1 failed, 2 skipped');
});

test('a run without a test, and a bad exit code without a culprit, count as one failure', () => {
  expect(settle({ passed: 0, failed: 0, skipped: 5 }, 0)).toEqual({ passed: 0, failed: 1, skipped: 5 });
  expect(settle({ passed: 4, failed: 0, skipped: 0 }, 1)).toEqual({ passed: 4, failed: 1, skipped: 0 });
  expect(settle({ passed: 4, failed: 2, skipped: 0 }, 1)).toEqual({ passed: 4, failed: 2, skipped: 0 });
  expect(settle({ passed: 4, failed: 0, skipped: 0 }, 0)).toEqual({ passed: 4, failed: 0, skipped: 0 });
});

const wrong = "throw new Error('wrong')";
const passing = "test('passes', () => {});";
const failing = `test('fails', () => { ${wrong} });`;
const skipped = "test.skip('is skipped', () => {})";

test.for([
  { what: 'all pass', tests: [passing, passing], line: '2 passed, 0 failed', code: 0 },
  { what: 'one fails', tests: [passing + failing], line: '1 passed, 1 failed', code: 1 },
  { what: 'one is skipped', tests: [passing + skipped], line: '1 passed, 0 failed, 1 skipped', code: 0 },
  { what: 'a file does not load', tests: [passing, failing, wrong], line: '1 passed, 2 failed', code: 1 },
  {
    what: 'a hook around a file fails',
    tests: [passing + failing + `afterAll(() => { ${wrong} })`],
    line: '1 passed, 2 failed',
    code: 1,
  },
  {
    what: 'a rejection is not handled',
    tests: [failing + `test('rejects', () => void (async () => { ${wrong} })())`],
    line: '1 passed, 2 failed',
    code: 1,
  },
  { what: 'there is no test', tests: [], line: '0 passed, 1 failed', code: 1 },
  { what: 'every test is skipped', tests: [skipped], line: '0 passed, 1 failed, 1 skipped', code: 1 },
  {
    what: 'the global tear-down fails',
    tests: [passing],
    globalSetup: `export const teardown = () => { ${wrong} }`,
    line: '1 passed, 1 failed',
    code: 1,
  },
  {
    what: 'the global set-up fails',
    tests: [passing],
    globalSetup: `export const setup = () => { ${wrong} }`,
    line: '0 passed, 1 failed',
    code: 1,
  },
])('when $what the last line is "$line" and the exit code $code', async ({ tests, globalSetup, line, code }) => {
  await using run = await runFixture({ tests, ...(globalSetup === undefined ? {} : { globalSetup }) });
  expect({ ...(await run.exited), lastLine: run.stdout().split('\n').slice(-2) }).toEqual({
    code,
    signal: null,
    lastLine: [line, ''],
  });
});
