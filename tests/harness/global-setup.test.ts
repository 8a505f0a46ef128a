import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { runsWithMark } from '@penstock/local/server-record';
import { type FixtureRun, runFixture } from './run-fixture.ts';
import { until } from './until.ts';

const harness = resolve(import.meta.dirname);
const globalSetup = `export { setup } from ${JSON.stringify(join(harness, 'global-setup.ts'))}`;
const tellRunDir = "console.log('runDir=' + inject('runDir') + ';')";

test('services run while tests do, and nothing of them is left when the run ends', async () => {
  const tests = [`test('a', () => { ${tellRunDir} })`];
  await using run = await runFixture({ tests, globalSetup });
  expect(await run.exited).toEqual({ code: 0, signal: null });
  expect(existsSync(runDirOf(run))).toBe(false);
});

test.for(['SIGINT', 'SIGKILL'] as const)('%s of the run ends its services and removes their data', async (signal) => {
  const tests = [`test('a', async () => { ${tellRunDir}; await new Promise((done) => setTimeout(done, 20_000)) })`];
  await using run = await runFixture({ tests, globalSetup });
  const runDir = await until(() => run.stdout().includes('runDir=') && runDirOf(run), { what: 'the test to run' });
  const servers = serversOf(runDir);
  for (const { pid, mark } of servers) expect(runsWithMark(pid, mark)).toBe(true);

  run.kill(signal);
  await run.exited;
  await until(() => !existsSync(runDir), { what: `${runDir} to be removed` });
  for (const { pid, mark } of servers) expect(runsWithMark(pid, mark)).toBe(false);
});

test('a process that outlives the test file that started it is killed, named, and fails the run', async () => {
  const dawdler = JSON.stringify(`data:text/javascript,setInterval(()=>{},1000)`);
  const tests = [
    `import { spawn } from 'node:child_process'
        import { recordProcess } from ${JSON.stringify(join(harness, 'process-records.ts'))}
        test('a', () => {
          const child = spawn(process.execPath, ['--import', ${dawdler}, '-e', '0'], { detached: true, stdio: 'ignore' })
          recordProcess(inject('runDir'), { pid: child.pid, mark: 'data:text/javascript' })
          console.log('leaked=' + child.pid + ';')
        })`,
  ];
  await using run = await runFixture({ tests, globalSetup });
  expect(await run.exited).toEqual({ code: 1, signal: null });
  const pid = Number(/leaked=(\d+);/.exec(run.stdout())?.[1]);
  expect(runsWithMark(pid, 'data:text/javascript')).toBe(false);
  expect(run.stderr()).toContain(`A test left a process running: data:text/javascript (process ${pid})`);
  expect(run.stdout().trimEnd().split('\n').at(-1)).toBe('1 passed, 1 failed');
});

function runDirOf(run: FixtureRun): string {
  const runDir = /runDir=([^;]+);/.exec(run.stdout())?.[1];
  if (runDir === undefined) throw new Error(`The run did not name its directory.\n${run.stdout()}\n${run.stderr()}`);
  return runDir;
}

/** PostgreSQL always; Redis unless it runs in a container. */
function serversOf(runDir: string): { pid: number; mark: string }[] {
  const files = readdirSync(runDir).filter((name) => name.endsWith('.server.json'));
  expect(files).toContain('postgres.server.json');
  return files.map((name) => {
    const record: unknown = JSON.parse(readFileSync(join(runDir, name), 'utf8'));
    if (typeof record !== 'object' || record === null || !('serverPid' in record) || !('mark' in record)) {
      throw new Error(`${name} holds no record.`);
    }
    return { pid: Number(record.serverPid), mark: String(record.mark) };
  });
}
