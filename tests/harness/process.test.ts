import { writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { runsWithMark } from '@penstock/local/server-record';
import { testRunDir } from '@penstock/local/test-services';
import { startProcess, type TestProcess } from './process.ts';

const root = resolve(import.meta.dirname, '../..');

test('a process gets the environment it is given and nothing else but PATH, HOME and the compile cache', async () => {
  await using child = await start('console.log(JSON.stringify(process.env))', { env: { GREETING: 'hello' } });
  const [line = ''] = (await child.waitForLine(/^\{.*\}$/)) ?? [];
  // Node hands this one on by itself, so that coverage counts the processes of a process.
  const names = Object.keys(Object(JSON.parse(line))).filter((name) => name !== 'NODE_V8_COVERAGE');
  expect(names.toSorted()).toEqual(['GREETING', 'HOME', 'NODE_COMPILE_CACHE', 'PATH']);
  expect(await child.exited).toEqual({ code: 0, signal: null });
});

test('lines of both outputs are found, before and after they are waited for, with their groups', async () => {
  await using child = await start(`
    console.log('listening on port 1234')
    setTimeout(() => console.error('late complaint'), 100)`);
  expect((await child.waitForLine(/port (\d+)/))[1]).toBe('1234');
  await child.waitForLine(/late complaint/);
  expect((await child.waitForLine(/port (\d+)/))[1]).toBe('1234');
  expect(child.output()).toBe('listening on port 1234\nlate complaint');
});

test('waiting for a line that never comes ends with the process, and shows what it printed', async () => {
  await using child = await start(`console.log('goodbye'); process.exitCode = 3`);
  await expect(child.waitForLine(/hello/)).rejects.toThrow(
    /printed no line like \/hello\/: it ended \(exit code 3\)[\s\S]*goodbye/,
  );
});

test('waiting for a line that never comes ends at the deadline', async () => {
  await using child = await start('setInterval(() => {}, 1000)');
  await expect(child.waitForLine(/hello/, { deadlineMs: 50 })).rejects.toThrow('waited 50 ms.');
});

test('stop lets a process finish in its own way', async () => {
  const child = await start(`
    process.once('SIGTERM', () => { console.log('drained'); process.exit(7) })
    setInterval(() => {}, 1000)
    console.log('ready')`);
  await child.waitForLine(/ready/);
  expect(await child.stop()).toEqual({ code: 7, signal: null });
  expect(child.output()).toContain('drained');
});

test('stop kills a process that does not leave by the deadline', async () => {
  const child = await start(`
    process.on('SIGTERM', () => {})
    setInterval(() => {}, 1000)
    console.log('ready')`);
  await child.waitForLine(/ready/);
  expect(await child.stop({ deadlineMs: 50 })).toEqual({ code: null, signal: 'SIGKILL' });
  expect(runsWithMark(child.pid, child.name)).toBe(false);
});

let scripts = 0;
function start(source: string, options: { env?: Record<string, string> } = {}): Promise<TestProcess> {
  scripts += 1;
  const file = join(testRunDir(), `process-test-${scripts}.mjs`);
  writeFileSync(file, source);
  return startProcess({ name: `process-test-${scripts}`, script: relative(root, file), ...options });
}
