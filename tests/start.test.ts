import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort } from '@penstock/local/ports';
import { stopLeftover } from '@penstock/local/server-record';
import { testRunDir } from '@penstock/local/test-services';
import { until } from './harness/until.ts';
import { endStartedProcesses, startProcess, type TestProcess } from './harness/process.ts';

const homes: string[] = [];

// What a start that did not come to its end has left behind is ended all the same.
afterEach(async () => {
  await endStartedProcesses();
  for (const home of homes.splice(0))
    for (const name of existsSync(home) ? readdirSync(home) : [])
      if (/\.(?:process|server)\.json$/.test(name))
        await stopLeftover({
          name,
          recordFile: path.join(home, name),
          steps: [
            { signal: 'SIGTERM', waitMs: 8_000 },
            { signal: 'SIGKILL', waitMs: 2_000 },
          ],
        });
});

/** `pnpm start`, as a new user runs it. */
describe('the start command', { timeout: 180_000 }, () => {
  test('with --once it ends by itself, with 0, every outcome being the expected one; a second start keeps the data of the first', async () => {
    const home = newHome();
    const first = await start(['--once', '--home', home]);
    expect(await first.exited, first.output()).toEqual({ code: 0, signal: null });
    expect(first.output()).toContain('Every outcome was the expected one.');
    expect(first.output()).toContain('embedded, new');
    const second = await start(['--once', '--home', home]);
    expect(await second.exited, second.output()).toEqual({ code: 0, signal: null });
    expect(second.output()).toContain('with the data of the last start');
    expect(second.output()).toContain('up to date');
  });

  test('without a Redis on PATH the queue is in PostgreSQL, and every outcome is the same', async () => {
    const bare = path.join(testRunDir(), `bare-${randomUUID()}`);
    mkdirSync(bare);
    // What running PostgreSQL as another user takes, and nothing else.
    for (const tool of ['id', 'sh', 'useradd', 'groupadd', 'locale', 'getent', 'ps']) {
      const found = (process.env['PATH'] ?? '')
        .split(path.delimiter)
        .map((folder) => path.join(folder, tool))
        .find((file) => existsSync(file));
      if (found !== undefined) symlinkSync(found, path.join(bare, tool));
    }
    const run = await start(['--once', '--home', newHome()], { PATH: bare });
    expect(await run.exited, run.output()).toEqual({ code: 0, signal: null });
    expect(run.output()).toContain('in the same PostgreSQL');
  });

  test('it stays up with every address shown until it is interrupted, moves from a taken port, and then leaves nothing behind', async () => {
    const home = newHome();
    await using _taken = await takePort(8080);
    const run = await start(['--home', home]);
    await run.waitForLine(/port 8080 is taken: webhooks moved to \d+/);
    const [, webhooks] = await run.waitForLine(/webhooks +(http:\S+)<endpoint>/);
    const [, metrics] = await run.waitForLine(/ingest (http:\S+)\/metrics/);
    await run.waitForLine(/Up until Ctrl-C/);
    expect(readFileSync(path.join(home, 'environment'), 'utf8')).toMatch(/^export DATABASE_URL='postgresql:.*'$/m);
    expect((await fetch(`${webhooks}nowhere`, { method: 'POST' })).status).toBe(404);
    expect((await fetch(`${metrics}/ready`)).status).toBe(200);
    const [, worker] = await run.waitForLine(/worker (http:\S+)\/metrics/);
    await until(
      async () =>
        /^penstock_canary_last_success_timestamp_seconds/m.test(await (await fetch(`${worker}/metrics`)).text()),
      { what: 'the canary to arrive' },
    );
    run.kill('SIGINT');
    expect(await run.exited, run.output()).toEqual({ code: 0, signal: null });
    for (const name of ['ingest', 'worker', 'console'])
      expect(existsSync(path.join(home, `${name}.process.json`)), name).toBe(false);
    await expect(fetch(`${metrics}/health`)).rejects.toThrow();
    expect(readFileSync(path.join(home, 'logs/worker.log'), 'utf8')).toContain(
      'stopping: finishing the webhooks that were begun',
    );
  });

  test.each(['hung up on, by the kernel and by the shell', 'read by nobody'])(
    'it stops as by Ctrl-C when it is %s, and leaves nothing behind',
    async (how) => {
      const home = newHome();
      const run = await start(['--home', home]);
      if (how === 'read by nobody') {
        await run.waitForLine(/ingest/);
        run.stopReading();
      } else {
        await run.waitForLine(/Up until Ctrl-C/);
        run.stopReading();
        run.kill('SIGHUP');
        // Two at once would be one; the second comes while it is stopping.
        await until(() => Promise.resolve(!existsSync(path.join(home, 'console.process.json'))), {
          what: 'it to stop',
        });
        run.kill('SIGHUP');
      }
      expect(await run.exited, run.output()).toEqual({ code: 0, signal: null });
      for (const name of ['ingest', 'worker', 'console'])
        expect(existsSync(path.join(home, `${name}.process.json`)), name).toBe(false);
    },
  );

  test('what a start that was killed has left running is ended, and the next one has its ports', async () => {
    const home = newHome();
    const port = String(await freePort());
    const first = await start(['--home', home, '--port', port]);
    await first.waitForLine(/Up until Ctrl-C/);
    first.kill('SIGKILL');
    await first.exited;
    const second = await start(['--once', '--home', home, '--port', port]);
    expect(await second.exited, second.output()).toEqual({ code: 0, signal: null });
    expect(second.output()).toContain('a start that crashed had left running: ingest, worker, console; ended');
  });

  test('--help explains itself; an unknown flag and a taken port that was asked for are errors that say what to do', async () => {
    const help = await start(['--help']);
    expect(await help.exited).toEqual({ code: 0, signal: null });
    expect(help.output()).toContain('Usage: pnpm start');
    const unknown = await start(['--onc']);
    expect(await unknown.exited).toEqual({ code: 78, signal: null });
    expect(unknown.output()).toContain('pnpm start --help');
    const bad = await start(['--port', 'http']);
    expect(await bad.exited).toEqual({ code: 78, signal: null });
    expect(bad.output()).toContain('PORT must be a whole number');
  });
});

function newHome(): string {
  const home = path.join(testRunDir(), `home-${randomUUID()}`);
  homes.push(home);
  return home;
}

function start(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<TestProcess> {
  return startProcess({ name: 'start', script: 'apps/start/src/main.ts', args, env: environment });
}

/** Holds a port for as long as it is not disposed of; another process may hold it already, which is as good. */
async function takePort(port: number): Promise<AsyncDisposable> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.once('error', () => resolve());
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    [Symbol.asyncDispose]: async () => {
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
