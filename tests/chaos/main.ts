import { styleText } from 'node:util';
import { findRedisServer } from '@penstock/local/redis-server';
import { readOptions, usage } from './options.ts';
import type { Report } from './report.ts';
import { runChaos } from './run.ts';
import { planFaults } from './schedule.ts';
import { guardedDirectory, raiseStand } from './stand.ts';

const read = readOptions(process.argv.slice(2));
if (read.kind === 'help') process.stdout.write(usage);
else if (read.kind === 'problem') {
  process.stderr.write(`${read.problem}\n\n${usage}`);
  process.exitCode = 64;
} else process.exitCode = await main(read.options);

async function main(options: Extract<typeof read, { kind: 'options' }>['options']): Promise<number> {
  if (options.backend === 'redis' && findRedisServer() === null) {
    process.stderr.write(
      'There is no redis-server or valkey-server on PATH: install one, or run with --backend postgres.\n',
    );
    return 78;
  }
  const stop = new AbortController();
  const stopped = new Promise<never>((_, reject) => {
    stop.signal.addEventListener('abort', () => reject(stop.signal.reason));
  });
  stopped.catch(() => undefined);
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      // The second time the guard alone cleans up.
      if (stop.signal.aborted) process.exit(130);
      say(`stopping every process (${signal}); once more ends at once`);
      stop.abort();
    });

  const resources = new AsyncDisposableStack();
  try {
    const directory = guardedDirectory(resources);
    if (options.keep) directory.keep();
    say(`seed ${options.seed}: the same seed, the same faults`);
    const faults = planFaults(options);
    const run = async () => {
      const stand = await raiseStand(directory.path, { ...options, signal: stop.signal, say }, resources);
      return runChaos(stand, { ...options, faults, signal: stop.signal, say });
    };
    // A fault may be waiting for a service that is down: asked to stop, nothing waits for it.
    const report = await Promise.race([run(), stopped]);
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    tell(report);
    if (report.verdict === 'broken') {
      directory.keep();
      say(`logs and data stay in ${directory.path}`);
    }
    return report.verdict === 'kept' ? 0 : 1;
  } catch (error) {
    if (stop.signal.aborted) return 130;
    process.stderr.write(`The harness itself failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    return 70;
  } finally {
    stop.abort();
    await resources.disposeAsync();
  }
}

function say(message: string): void {
  process.stderr.write(`${(performance.now() / 1_000).toFixed(1).padStart(7)} s  ${message}\n`);
}

function tell({ events, faults, recovery, lost, duplicated, wrong, verdict }: Report): void {
  say(`${events.sent} events in ${events.deliveries} deliveries, ${events.acknowledged} acknowledged`);
  say(
    `${faults.total} faults; well again after ${recovery.p50} ms (median), ${recovery.p95} ms (p95), ${recovery.most} ms at most`,
  );
  for (const [what, list] of Object.entries({ lost, duplicated, wrong }))
    for (const line of list.slice(0, 20)) say(styleText('red', `${what}: ${line}`));
  const counts = `${lost.length} lost, ${duplicated.length} duplicated, ${wrong.length} wrong`;
  say(verdict === 'kept' ? styleText('green', counts) : styleText('red', counts));
}
